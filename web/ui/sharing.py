"""Reporting whether something was copied or shared."""

import reflex as rx


class SharingState(rx.State):
    """A state without variables, which shows a message for an outcome in the browser."""

    @rx.event
    def report_outcome(self, outcome: str):
        """Show whether copying worked; the share sheet of the device reports by itself."""
        if outcome == "copied":
            return rx.toast.success("Copied. Paste it to a friend.")
        if outcome == "failed":
            return rx.toast.error("Your browser did not allow copying. Open the fact to share it.")
        return None
