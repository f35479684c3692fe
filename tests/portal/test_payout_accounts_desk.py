"""Accounts that claimants declared: the operator's people decide on each, and the claimant is told."""

from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Membership, Organization, Role
from tests.portal import world as worlds
from tests.portal.conftest import SignIn
from tests.portal.world import World
from tests.vouchers import claims
from vouchers.models import PayoutAccount
from vouchers.services.claims import payouts

PAGE = reverse("portal:accounts-desk")
FIRST, SECOND = "6222000011112222", "6222000033334444"


def declared(world: World, number: str, *, by: str = "seller", of: Organization | None = None) -> PayoutAccount:
    payee = of or world.provider
    return payouts.declare(
        organization=payee,
        holder=payee.name,
        bank="工商银行成都分行",
        number=number,
        actor=world.actor(by, payee),
        at=worlds.NOW,
    )


def decide(client: Client, account: PayoutAccount, verb: str, **said: str) -> str:
    """Decide on an account, with the bank's permit at hand, and return the page to which that leads."""
    if verb == "verify":
        said = claims.permit(account) | said
    answer = client.post(reverse("portal:account-decide", args=[account.pk, verb]), said, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def listed(client: Client, **query: str) -> list[PayoutAccount]:
    return list(client.get(PAGE, query).context["page"].rows)


def test_an_account_waits_with_what_it_replaces_and_is_verified(world: World, sign_in: SignIn) -> None:
    first, operator = declared(world, FIRST), sign_in("operator1")
    decide(operator, first, "verify")
    second = declared(world, SECOND)

    shown = operator.get(PAGE).content.decode()

    assert listed(operator) == [second]
    for told in (world.provider.name, world.provider.credit_code, "工商银行成都分行", "···4444", "···2222", "seller"):
        assert told in shown
    assert FIRST not in shown, "numbers are never shown whole"
    assert SECOND not in shown
    assert "没有待核验的账户。" in decide(operator, second, "verify")
    assert list(world.provider.payout_accounts.current()) == [second]
    assert AuditEntry.objects.filter(verb="payout_account.verified").count() == 2


def test_an_account_is_verified_by_the_whole_number_of_a_paper_that_is_named(world: World, sign_in: SignIn) -> None:
    account, operator = declared(world, FIRST), sign_in("operator1")

    other = decide(operator, account, "verify", number="6222000099992222")
    assert "与申报的账号不一致" in other
    assert ('value="6222000099992222"' in other, FIRST in other) == (True, False)
    assert "请说明账号是与什么核对的。" in decide(operator, account, "verify", compared_with=" ")
    assert PayoutAccount.objects.get().verified_at is None
    entry = AuditEntry.objects.get(verb="payout_account.differed")
    assert entry.after == {"account": str(account.pk), "compared_with": "开户许可证"}
    assert entry.actor == world.people["operator1"]

    decide(operator, account, "verify", number="6222 0000-1111 2222", compared_with="工行2026年9月1日开户证明")

    account.refresh_from_db()
    assert (account.confirmed_number, account.compared_with) == (FIRST, "工行2026年9月1日开户证明")
    shown = operator.get(PAGE, {"state": "verified"}).content.decode()
    assert ("工行2026年9月1日开户证明" in shown, FIRST in shown) == (True, False)


def test_an_account_is_turned_down_with_a_reason_that_its_claimant_reads(world: World, sign_in: SignIn) -> None:
    used, wrong = declared(world, FIRST), declared(world, SECOND)
    operator = sign_in("operator1")
    decide(operator, used, "verify")

    decide(operator, wrong, "refuse", reason="账号与开户许可证不一致")

    told = sign_in("seller").get(reverse("portal:claims")).content.decode()
    assert "账号与开户许可证不一致" in told
    assert "未通过" in told
    assert list(world.provider.payout_accounts.current()) == [used]
    (entry,) = AuditEntry.objects.filter(verb="payout_account.refused")
    assert entry.after == {"account": str(wrong.pk), "reason": "账号与开户许可证不一致"}
    assert "该账户不在待核验状态。" in decide(operator, wrong, "verify")


def test_what_became_of_accounts_is_filtered_by_state_and_claimant(world: World, sign_in: SignIn) -> None:
    replaced, used, turned_down = (declared(world, number) for number in (FIRST, SECOND, "6222000055556666"))
    waits = declared(world, FIRST, by="buyer", of=world.buyer)
    operator = sign_in("operator1")
    for account in (replaced, used):
        decide(operator, account, "verify")
    decide(operator, turned_down, "refuse", reason="户名不符")

    found = {state: listed(operator, state=state) for state in ("declared", "verified", "retired", "rejected")}

    assert found == {"declared": [waits], "verified": [used], "retired": [replaced], "rejected": [turned_down]}
    assert set(listed(operator, state="")) == {replaced, used, turned_down, waits}
    assert listed(operator, state="", q=world.buyer.credit_code.lower()) == [waits]
    assert listed(operator, q="没有这家") == []
    assert listed(operator, state="nonsense", q="\x00") != []


def test_why_an_account_cannot_be_decided_is_said_and_what_was_typed_stays(world: World, sign_in: SignIn) -> None:
    account, operator = declared(world, FIRST), sign_in("operator1")
    endless = "理" * 501

    assert f'value="{endless}"' in decide(operator, account, "refuse", reason=endless, query="state=declared")
    assert "请说明不予通过的理由。" in decide(operator, account, "refuse", reason=" ")
    seat = Membership.objects.create(user=world.people["operator1"], organization=world.provider, role=Role.VIEWER)
    partial = decide(operator, account, "refuse", reason="户名不符")
    assert "利益" in partial
    assert 'value="户名不符"' in partial
    seat.delete()
    own = declared(world, SECOND, by="operator1")
    for verb in ("verify", "refuse"):
        assert "须由另一人核验您申报的账户。" in decide(operator, own, verb, reason="户名不符")
    assert "待第二人处理" in operator.get(PAGE).content.decode()

    assert not PayoutAccount.objects.exclude(retired_at=None, verified_at=None).exists()
    assert operator.post(reverse("portal:account-decide", args=[account.pk, "steal"])).status_code == 404


def test_only_who_checks_claims_for_the_operator_decides(world: World, sign_in: SignIn) -> None:
    account = declared(world, FIRST)
    verify = reverse("portal:account-decide", args=[account.pk, "verify"])
    answers = {name: (sign_in(name).get(PAGE).status_code, sign_in(name).post(verify).status_code)
               for name in ("seller", "buyer", "officer2", "treasurer")}  # fmt: skip

    assert set(answers.values()) == {(403, 403)}
    assert sign_in("operator1").get(f"{verify}?state=declared").url == f"{PAGE}?state=declared"
    assert PayoutAccount.objects.get().verified_at is None


def test_many_accounts_are_paged_and_what_waits_longest_comes_first(world: World, sign_in: SignIn) -> None:
    made = [declared(world, f"62220000{number:08d}") for number in range(30)]
    operator = sign_in("operator1")

    first = operator.get(PAGE).context["page"]
    second = operator.get(PAGE + first.next).context["page"]

    assert [*first.rows, *second.rows] == made
