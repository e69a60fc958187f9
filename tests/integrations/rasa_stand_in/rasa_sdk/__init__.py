"""A stand-in for Rasa's package of this name: as much as a custom action needs. Not Rasa."""


class Tracker:
    def __init__(self, sender_id, slots, events):
        self.sender_id, self.slots, self.events = sender_id, slots, events

    def get_slot(self, key):
        return self.slots.get(key)


class CollectingDispatcher:
    def __init__(self):
        self.messages = []

    def utter_message(self, text=None, **kwargs):
        self.messages.append({"text": text})


class Action:
    def name(self):
        raise NotImplementedError

    async def run(self, dispatcher, tracker, domain):
        raise NotImplementedError
