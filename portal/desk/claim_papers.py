"""What lies beside the checklist of a claim: the platform's evidence and the claimant's papers."""

from dataclasses import dataclass

from django.http import Http404
from django.http.response import HttpResponseBase

from portal import exports
from vouchers.models import Claim, ClaimDocument, EvidencePack, KeptFile


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper of a claim: ``key`` names it in addresses."""

    key: str
    kind: str
    name: str
    media_type: str
    sha256: str
    line: int | None = None

    @property
    def inline(self) -> bool:
        """Whether browsers show it without running anything."""
        return self.media_type in exports.SHOWN_INLINE


def of(claim: Claim) -> list[Paper]:
    """Return the papers of a claim: what the platform proves first, then what was handed in."""
    packs = EvidencePack.objects.filter(claim=claim).select_related("file").defer("file__content").order_by("-kind")
    sent = ClaimDocument.objects.filter(claim=claim).select_related("file", "line").defer("file__content")
    proofs = [
        Paper(
            f"pack-{one.kind}",
            f"{EvidencePack._meta.verbose_name} {one.kind.upper()}",
            f"{claim.display_number}.{one.kind}",
            one.file.media_type,
            one.file_id,
        )
        for one in packs
    ]
    return proofs + [
        Paper(
            f"paper-{one.pk}",
            one.get_kind_display(),
            one.name,
            one.file.media_type,
            one.file_id,
            one.line.number if one.line else None,
        )
        for one in sent.order_by("pk")
    ]


def answer(claim: Claim, key: str, *, inline: bool) -> HttpResponseBase:
    """Hand a paper out: beside the claim where browsers show its kind, else as a download."""
    paper = next((one for one in of(claim) if one.key == key), None)
    if paper is None:
        raise Http404
    content = bytes(KeptFile.objects.values_list("content", flat=True).get(pk=paper.sha256))
    made = exports.download(content, name=paper.name, media_type=paper.media_type)
    return exports.beside(made) if inline and paper.inline else made
