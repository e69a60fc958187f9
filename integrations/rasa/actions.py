"""The action by which Rasa asks for a human. docs/bots/rasa.md says where it goes."""
import asyncio, uuid
from datetime import datetime, timezone
from rasa_sdk import Action
from bridge import call

PROFILE = ("firstname", "lastname", "email", "mobile_phone", "language")  # the slots that agents may see

class ActionHandover(Action):
    def name(self):
        return "action_handover"

    async def run(self, dispatcher, tracker, domain):
        asked = [number for number, event in enumerate(tracker.events) if event.get("name") == self.name()]
        said = [event for event in tracker.events[asked[-1] + 1 if asked else 0:]  # agents know what was before
                if event["event"] in ("user", "bot") and event.get("text")]
        time = lambda event: datetime.fromtimestamp(event["timestamp"], timezone.utc).isoformat()
        slots = {slot: tracker.get_slot(slot) for slot in PROFILE}
        request = {
            "reason": tracker.get_slot("handover_reason") or "asked for a human",
            "summary": tracker.get_slot("handover_summary"),
            "user": {slot: value for slot, value in slots.items() if value is not None},
            "transcript": [{"from": event["event"], "text": event["text"], "sent_at": time(event)} for event in said][-1000:],
        }
        asks = [event["message_id"] for event in said if event.get("message_id")] or [str(uuid.uuid4())]
        answer = await asyncio.to_thread(call, "POST", tracker.sender_id, "handover", f"{asks[-1]}-handover", request)
        if answer["handover"]["status"] == "unavailable":
            dispatcher.utter_message(text=f"Sorry, nobody is there now ({answer['handover']['reason']}).")
        return []
