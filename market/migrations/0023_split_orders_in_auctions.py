"""Let the call auction serve orders in parts: each for all their hours, and two of them at least fit into one."""

from django.db import migrations, models
from django.db.models import F, Q

WHOLE = Q(all_or_none=False, part_cards=None, part_hours=None, parts_max=1)
BY_CARDS = Q(kind="auction", part_cards__lte=F("count") / 2, part_hours=F("hours"))


class Migration(migrations.Migration):
    dependencies = [("market", "0022_cards_given_back")]

    operations = [
        migrations.RemoveConstraint(model_name="order", name="order_parts_are_instant"),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=WHOLE | Q(kind="instant") | BY_CARDS, name="order_parts_are_firm"
            ),
        ),
    ]
