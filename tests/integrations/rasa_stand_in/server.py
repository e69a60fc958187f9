"""A stand-in for a Rasa server and its action server, with the chat window of a customer. Not Rasa.

It does with `integrations/rasa` what Rasa does: the channel's blueprint under `/webhooks/<name>`, messages to a tracker, its
slots from the metadata, the rules of docs/bots/rasa.md, the action's events after it ran, answers through the output channel.
"""
import asyncio, os, time
from collections import defaultdict
from urllib.parse import unquote
from actions import ActionHandover
from bridge import post
from engage_handover import EngageHandover
from rasa_sdk import CollectingDispatcher, Tracker
from sanic import Sanic, response

PORT = int(os.environ["PORT"])
HERE = f"http://127.0.0.1:{PORT}"
app, action = Sanic("stand_in"), ActionHandover()
channel = EngageHandover.from_credentials({"callback_url": f"{HERE}/callback"})
trackers = defaultdict(lambda: Tracker(None, {}, []))
windows = defaultdict(dict)


async def on_new_message(message):
    tracker = trackers[message.sender_id]
    tracker.sender_id = message.sender_id
    tracker.slots.update((message.metadata or {}).get("user") or {})
    heard = {"event": "user", "text": message.text, "message_id": message.message_id, "timestamp": time.time()}
    tracker.events.append(heard)

    async def utter(text):
        tracker.events.append({"event": "bot", "text": text, "timestamp": time.time()})
        await message.output_channel.send_response(message.sender_id, {"text": text})

    if "agent" not in message.text.lower():
        return await utter("I am a small bot. Say agent, and a human will help.")
    await utter("I am asking a colleague to join. They see what we wrote.")
    dispatcher = CollectingDispatcher()
    events = await action.run(dispatcher, tracker, {})
    tracker.events += [{"event": "action", "name": action.name(), "timestamp": time.time()}, *events]
    for said in dispatcher.messages:
        await utter(said["text"])


@app.post("/chat")
async def say(request):
    said = request.json
    id = said.get("id") or os.urandom(8).hex()
    windows[said["conversation"]].setdefault(id, {"from": "user", "name": None, "text": said["text"]})
    heard = {"sender": said["conversation"], "message": said["text"], "id": id, "metadata": {"user": said.get("user")}}
    try:
        await asyncio.to_thread(post, f"{HERE}/webhooks/engage_handover/webhook", heard)
    except OSError as error:
        return response.text(str(error), status=503)
    return response.text("ok")


@app.get("/chat/<conversation:path>")
async def look(request, conversation):
    return response.json(list(windows[unquote(conversation)].values()))


@app.post("/callback")
async def callback(request):
    line = request.json
    # Shown as often as it comes, so that the test notices what the channel lets through twice.
    windows[line["recipient_id"]][object()] = {key: line[key] for key in ("from", "name", "text")}
    return response.text("ok")


app.blueprint(channel.blueprint(on_new_message), url_prefix=f"/webhooks/{channel.url_prefix()}")
app.run(host="127.0.0.1", port=PORT, single_process=True, access_log=False, motd=False)
