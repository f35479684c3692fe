"""Say that an order waits for another person, and show where."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from billing.models import ApprovalRequest
from billing.services import asking
from portal.access import PortalRequest


def shown(request: PortalRequest, waits: ApprovalRequest) -> HttpResponse:
    """Go to the page on which it is approved."""
    messages.warning(request, asking.told(waits))
    return redirect("portal:approval", waits.pk)
