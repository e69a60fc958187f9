"""A stand-in for Rasa's module of this name: as much as a custom connector needs. Not Rasa."""


class UserMessage:
    def __init__(self, text=None, output_channel=None, sender_id=None, parse_data=None, input_channel=None,
                 message_id=None, metadata=None):
        self.text, self.output_channel, self.sender_id = text, output_channel, sender_id
        self.input_channel, self.message_id, self.metadata = input_channel, message_id, metadata


class InputChannel:
    @classmethod
    def name(cls):
        return cls.__name__

    def url_prefix(self):
        return self.name()

    @classmethod
    def from_credentials(cls, credentials):
        return cls()

    def blueprint(self, on_new_message):
        raise NotImplementedError


class OutputChannel:
    @classmethod
    def name(cls):
        return cls.__name__

    async def send_text_message(self, recipient_id, text, **kwargs):
        raise NotImplementedError

    async def send_response(self, recipient_id, message):
        await self.send_text_message(recipient_id, message["text"])
