"""A Rasa channel whose conversations human agents can take over. docs/bots/rasa.md says how to set it up."""
import asyncio, os, uuid
from collections import defaultdict
from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, response
from standardwebhooks import Webhook, WebhookVerificationError
from bridge import call, post

BACK = "You are back with the bot."
NOTICES = {"handover.completed": BACK, "handover.cancelled": BACK, "handover.timed_out": f"Nobody had time. {BACK}",
           "handover.failed": f"Nobody can be reached. {BACK}", "message.failed": "That did not arrive. Say it again?"}

class HandoverOutput(OutputChannel):
    """What customers read, whoever says it: posted to `callback_url`."""

    def __init__(self, callback_url):
        self.callback_url = callback_url

    @classmethod
    def name(cls):
        return "engage_handover"

    async def send_text_message(self, recipient_id, text, **kwargs):  # Rasa speaks; agents read that, too
        message = {"id": str(uuid.uuid4()), "from": "bot", "text": text}
        await asyncio.to_thread(call, "POST", recipient_id, "messages", message["id"], message)
        await self.show(recipient_id, message["id"], "bot", text)

    async def show(self, recipient_id, id, sender, text, name=None):
        line = {"recipient_id": recipient_id, "id": id, "from": sender, "name": name, "text": text}
        await asyncio.to_thread(post, self.callback_url, line)

class EngageHandover(InputChannel):
    @classmethod
    def name(cls):
        return "engage_handover"

    @classmethod
    def from_credentials(cls, credentials):
        return cls(credentials["callback_url"])

    def __init__(self, callback_url):
        self.output, self.webhook = HandoverOutput(callback_url), Webhook(os.environ["SIGNING_SECRET"])
        self.seen, self.newest = set(), defaultdict(int)  # in a database, if they shall survive a restart
        self.turns, self.news = defaultdict(asyncio.Lock), defaultdict(asyncio.Lock)

    def get_output_channel(self):
        return self.output

    def blueprint(self, on_new_message):
        routes = Blueprint("engage_handover")

        @routes.get("/")
        async def health(request):
            return response.json({"status": "ok"})

        @routes.post("/webhook")
        async def webhook(request):  # {sender, message, id?, metadata?}, from the chat
            said = request.json
            async with self.turns[said["sender"]]:  # the bridge keeps the order in which it is told
                await self.hear(on_new_message, said, said.get("id") or str(uuid.uuid4()), said.get("metadata") or {})
            return response.json({"status": "ok"})

        @routes.post("/events")
        async def events(request):  # from the bridge, which tries again on 5xx
            try:
                event = self.webhook.verify(request.body, dict(request.headers))
            except (WebhookVerificationError, ValueError):  # the latter: a signature that cannot be read
                return response.json({"error": "not signed with SIGNING_SECRET just now"}, status=400)
            async with self.news[event["data"]["conversation"]]:
                await self.tell(request.headers["webhook-id"], event["type"], event["data"])
            return response.json({"status": "ok"})

        return routes

    async def hear(self, on_new_message, said, id, metadata):
        sender, text = said["sender"], said["message"]
        message = {"id": id, "from": "user", "text": text, "user": metadata.get("user")}
        told = await asyncio.to_thread(call, "POST", sender, "messages", id, message)
        if told["handler"] == "bot":  # Rasa hears nothing of what is said to an agent
            await on_new_message(UserMessage(text, self.output, sender, input_channel=self.name(), message_id=id, metadata=metadata))
        elif text.strip().lower() == "bot":
            await asyncio.to_thread(call, "DELETE", sender, "handover", f"{id}-cancel", {"cause": "user_cancelled"})

    async def tell(self, id, kind, data):
        sender, seq, message = data["conversation"], data["seq"], data.get("message")
        agent, place = data.get("agent", {}).get("name") or "A colleague", data.get("position", "not known yet")
        now = {"handover.queued": f"Your place in the queue: {place}.", "handover.active": f"{agent} is here."}
        news = {**NOTICES, **now}.get(kind)
        if kind == "message.created" and id not in self.seen:  # also late, when an operator sent it again
            text = "\n".join([message["text"] or "", *(file["url"] for file in message["attachments"])]).strip()
            await self.output.show(sender, id, "agent", text, message["agent"]["name"])
        elif news and seq > self.newest[sender]:  # what is not newer is a repeat, or over
            await self.output.show(sender, id, "notice", news)
        self.seen.add(id)
        self.newest[sender] = max(self.newest[sender], seq)
