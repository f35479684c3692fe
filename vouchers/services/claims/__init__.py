"""Claims 兑付: from captured redemptions to money on an account, with nobody paying what they checked."""
