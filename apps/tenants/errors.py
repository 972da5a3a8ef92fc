"""What the tenants app refuses."""

from apps.core.errors import Conflict, Forbidden, NotFound, WeftError


class SignInRefused(WeftError):
    """The address or the password is wrong, or the account is closed; which of them is not said."""

    status = 401
    code = "sign-in.refused"
    title = "The e-mail address or the password is not right"


class AlreadyTaken(Conflict):
    """Another row has this name."""

    code = "already-taken"
    title = "This name is taken"


class LastOwner(Conflict):
    """A tenant keeps at least one owner."""

    code = "last-owner"
    title = "A tenant needs an owner"


class InvitationOver(NotFound):
    """The invitation was used, withdrawn, has expired, or never was."""

    code = "invitation.over"
    title = "This invitation is no longer open"


class OtherAddress(Forbidden):
    """The invitation is for somebody else."""

    code = "invitation.other-address"
    title = "This invitation is for another e-mail address"
