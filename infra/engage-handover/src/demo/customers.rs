//! The people who chat: the one at the screen, and a few scripted ones who fill the queue.

use serde_json::{Value, json};

/// Somebody who chats.
#[derive(Debug)]
pub(super) struct Customer {
    pub(super) name: &'static str,
    firstname: &'static str,
    lastname: &'static str,
    email: &'static str,
    language: &'static str,
    plan: &'static str,
    /// Absent for the person at the screen.
    pub(super) script: Option<Script>,
}

/// What a scripted customer says.
#[derive(Debug)]
pub(super) struct Script {
    /// To the bot, on arrival. The last line asks for a human.
    pub(super) opening: &'static [&'static str],
    /// To the agent's first words.
    pub(super) thanks: &'static str,
}

impl Customer {
    /// Who writes: travels with each message.
    pub(super) fn identity(&self, conversation: &str) -> Value {
        json!({ "id": format!("customer-of-{conversation}"), "screenname": self.name })
    }

    /// All that the bot knows: travels with the handover request.
    pub(super) fn profile(&self, conversation: &str) -> Value {
        json!({
            "id": format!("customer-of-{conversation}"),
            "firstname": self.firstname,
            "lastname": self.lastname,
            "screenname": self.name,
            "email": self.email,
            "language": self.language,
        })
    }

    /// What the shop knows: goes to the thread's context.
    pub(super) fn context(&self) -> Value {
        json!({ "plan": self.plan, "language": self.language, "page": "Help centre" })
    }
}

/// The person at the screen.
pub(super) static VISITOR: Customer = Customer {
    name: "Alex Morgan",
    firstname: "Alex",
    lastname: "Morgan",
    email: "alex.morgan@example.com",
    language: "en",
    plan: "Premium",
    script: None,
};

/// The scripted customers, who arrive in this order.
pub(super) static CROWD: [Customer; 4] = [
    Customer {
        name: "Priya Nair",
        firstname: "Priya",
        lastname: "Nair",
        email: "priya.nair@example.com",
        language: "en",
        plan: "Basic",
        script: Some(Script {
            opening: &[
                "Hello!",
                "The lamp I got is broken 😕 can a person look at the photos?",
            ],
            thanks: "That was quick, thank you! 🙏",
        }),
    },
    Customer {
        name: "ليلى حداد",
        firstname: "ليلى",
        lastname: "حداد",
        email: "layla.haddad@example.com",
        language: "ar",
        plan: "Premium",
        script: Some(Script {
            opening: &[
                "مرحبا، أين طلبي رقم 4711؟",
                "أريد التحدث إلى موظف (human)، من فضلك",
            ],
            thanks: "شكرا جزيلا 🌷",
        }),
    },
    Customer {
        name: "Tomás Ribeiro",
        firstname: "Tomás",
        lastname: "Ribeiro",
        email: "tomas.ribeiro@example.com",
        language: "pt",
        plan: "Basic",
        script: Some(Script {
            opening: &["I was charged twice. I'd like a refund, please."],
            thanks: "Perfect, thanks a lot!",
        }),
    },
    Customer {
        name: "Lena Vogt",
        firstname: "Lena",
        lastname: "Vogt",
        email: "lena.vogt@example.com",
        language: "de",
        plan: "Basic",
        script: Some(Script {
            opening: &[
                "When do you open on Saturday?",
                "Can I ask somebody in your shop directly?",
            ],
            thanks: "Super, danke!",
        }),
    },
];
