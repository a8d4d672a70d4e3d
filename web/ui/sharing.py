"""Reporting whether something was copied or shared."""

import reflex as rx


class SharingState(rx.State):
    """Holds nothing; it only turns an outcome in the browser into a message."""

    @rx.event
    def report_outcome(self, outcome: str):
        """Say whether the copying worked; the device's own share sheet reports by itself."""
        if outcome == "copied":
            return rx.toast.success("Copied. Paste it to a friend.")
        if outcome == "failed":
            return rx.toast.error("Your browser did not allow copying. Open the fact to share it.")
        return None
