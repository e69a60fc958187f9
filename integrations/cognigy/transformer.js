// Transformers that join a Cognigy.AI endpoint to engage-handover.
//
// Paste the whole file into the endpoint's "Transformer Functions", switch on the Input, Output, Notify and Inject
// transformers, and set the values below. It serves Webchat and Socket.IO endpoints as well as Webhook endpoints.
// Each run makes one HTTP request at most, and gives up on it after four seconds (Cognigy allows one, of five seconds).

/** Your stage and connection: https://<host>/<connection> */
const BRIDGE_URL = "https://handover.example.org/default";
/** One of the connection's signing_secrets. */
const SIGNING_SECRET = "whsec_…";
/** What the person can type to leave the agents; null if they cannot. */
const CANCEL_TEXT = null;
/** On: every message goes to the bridge, which mirrors it to RingCentral or keeps it for the transcript, as the
 *  connection's "Forward Only Handover Conversations" says. Off: only what is said during a handover goes there. */
const SEND_EVERYTHING = true;
/** What the person reads if a handover cannot even be asked for. The Flow's own `unavailableText` wins. */
const UNAVAILABLE_TEXT = "Our agents cannot be reached at the moment.";

const TIMEOUT_MS = 4000;
/** The bridge takes 1 MiB. */
const MOST_BYTES = 900000;
const MOST_LEVELS = 24;

// ---------------------------------------------------------------------------------------------- signatures

function signature(id, seconds, body) {
  const key = Buffer.from(SIGNING_SECRET.replace(/^whsec_/, ""), "base64");
  return "v1," + crypto.createHmac("sha256", key).update(`${id}.${seconds}.${body}`, "utf8").digest("base64");
}

/** The request came from the bridge, within five minutes, and nobody changed it. */
function isFromBridge(request) {
  const header = (name) => String((request.headers && request.headers[name]) || "");
  const [id, seconds] = [header("webhook-id"), header("webhook-timestamp")];
  if (!id || !(Math.abs(Date.now() / 1000 - Number(seconds)) < 300)) return false;
  // Express has parsed the body; written anew it has the same bytes.
  const body = request.rawBody ? request.rawBody.toString("utf8") : JSON.stringify(request.body);
  const expected = Buffer.from(signature(id, seconds, body));
  return header("webhook-signature").split(" ").some((given) => {
    const bytes = Buffer.from(given);
    return bytes.length === expected.length && crypto.timingSafeEqual(bytes, expected);
  });
}

// ---------------------------------------------------------------------------------------------- the one request

/** JSON of anything: without what refers to itself, is nested too deeply, or is too large. */
function write(value) {
  const path = [];
  const plain = (key, inner) => {
    if (typeof inner === "bigint" || typeof inner === "function") return String(inner).slice(0, 100);
    return inner;
  };
  const uncircled = (inner) => {
    if (inner === null || typeof inner !== "object" || inner instanceof Date) return inner;
    if (path.includes(inner)) return "[refers to itself]";
    if (path.length >= MOST_LEVELS) return "…";
    path.push(inner);
    const copy = Array.isArray(inner)
      ? inner.map(uncircled)
      : Object.fromEntries(Object.entries(inner).map(([key, item]) => [key, uncircled(item)]));
    path.pop();
    return copy;
  };
  let body = JSON.stringify(uncircled(value), plain);
  for (const [key, instead] of [["transcript", []], ["profile", {}], ["context", {}], ["message", null]]) {
    if (Buffer.byteLength(body) <= MOST_BYTES) break;
    const data = JSON.parse(body).data;
    if (data[key] === undefined) continue;
    const kept = key === "message" ? { ...data.message, data: undefined, text: String(data.message.text || "").slice(0, 10000) } : instead;
    body = JSON.stringify({ ...JSON.parse(body), data: { ...data, [key]: kept } });
  }
  return body;
}

/** Tells the bridge. Its answer; `{ missing: "refused" }` if it will not have it, `{ missing: "unreachable" }` if it is not
 *  there. */
async function tell(type, { userId, sessionId, endpoint }, data) {
  try {
    const body = write({
      type,
      timestamp: new Date().toISOString(),
      data: {
        conversation: { user_id: userId, session_id: sessionId, channel: endpoint && endpoint.channel, url_token: endpoint && endpoint.URLToken },
        ...data,
      },
    });
    const id = crypto.randomBytes(16).toString("hex");
    const seconds = String(Math.floor(Date.now() / 1000));
    const answer = await httpRequest({
      method: "POST",
      uri: `${BRIDGE_URL}/handover/cognigy`,
      headers: {
        "content-type": "application/json",
        "webhook-id": id,
        "webhook-timestamp": seconds,
        "webhook-signature": signature(id, seconds, body),
      },
      body,
      timeout: TIMEOUT_MS,
    });
    return typeof answer === "string" ? JSON.parse(answer) : answer;
  } catch (error) {
    console.error(`engage-handover: ${type} was not taken (${error.statusCode || error.code || error.name})`);
    const isFinal = error.statusCode >= 400 && error.statusCode < 500 && ![401, 408, 429].includes(error.statusCode);
    return { missing: isFinal ? "refused" : "unreachable" };
  }
}

// ---------------------------------------------------------------------------------------------- what Cognigy calls

/** The person's input. Nothing is returned, and so no Flow runs, while an agent answers. */
async function handleInput({ payload, request, endpoint }) {
  const input = payload || request.body;
  const { userId, sessionId, text, data } = input;
  const session = { userId, sessionId, endpoint };
  const storage = await getSessionStorage(userId, sessionId);
  const event = data && data._cognigy && data._cognigy.event && data._cognigy.event.type;
  if (event === "user-connected" || event === "user-disconnected") {
    if (storage.handover) await tell("presence.user", session, { state: event });
    return input;
  }
  const isSaid = Boolean(text) || Boolean(data && Object.keys(data).length);
  // Nobody said anything; a Flow would speak beside the agent.
  if (!isSaid) return storage.handover ? null : input;
  const untold = (missing) => ({ ...input, data: { ...data, handover: { status: missing } } });
  if (storage.handover && CANCEL_TEXT !== null && String(text).trim().toLowerCase() === CANCEL_TEXT.toLowerCase()) {
    const { missing } = await tell("handover.cancelled", session, { cause: "user_cancelled" });
    return missing ? untold(missing) : null;
  }
  if (!storage.handover && !SEND_EVERYTHING) return input;
  const message = { id: `u-${crypto.randomBytes(12).toString("hex")}`, text, data };
  const answer = await tell("message.user", session, { message });
  // Never dropped: the Flow hears it, and can say that the agent did not.
  if (answer.missing) return storage.handover ? untold(answer.missing) : input;
  storage.handover = answer.handler === "agent";
  return storage.handover ? null : input;
}

/** What the person is shown, in the channel's own form: a Webhook endpoint has the words below AIOutput. */
function instead(shown, words) {
  if (!words) return null;
  const said = { text: words, data: {} };
  return shown.AIOutput ? { ...shown, AIOutput: { ...shown.AIOutput, ...said } } : { ...shown, ...said };
}

/** The Flow's output. `data.handover.command` is for the bridge, everything else is for the person. */
async function handleOutput({ output, processedOutput, endpoint, userId, sessionId }) {
  const shown = processedOutput === undefined ? output : processedOutput;
  const { text, data } = output;
  // An agent's words, shown by notify.
  if (data && data.bridge) return shown;
  const session = { userId, sessionId, endpoint };
  const handover = data && data.handover;
  if (handover && (handover.command === "start" || handover.command === "end")) {
    const storage = await getSessionStorage(userId, sessionId);
    if (handover.command === "end") {
      const { missing } = await tell("handover.cancelled", session, { cause: "bot_ended" });
      if (!missing) storage.handover = false;
      return instead(shown, text);
    }
    const { command, unavailableText, ...wish } = handover;
    const answer = await tell("handover.requested", session, wish);
    storage.handover = !answer.missing && answer.handover.status !== "unavailable";
    return instead(shown, answer.missing ? unavailableText || UNAVAILABLE_TEXT : text);
  }
  if (SEND_EVERYTHING && (text || (data && Object.keys(data).length))) {
    await tell("message.bot", session, { message: { id: `b-${crypto.randomBytes(12).toString("hex")}`, text, data } });
  }
  return shown;
}

/** Whether this call of the bridge is a repeat of one that was taken. */
function isRepeat(storage, bridge) {
  const name = `${bridge.eventId}/${bridge.part || 1}`;
  const seen = storage.seen || [];
  if (seen.includes(name)) return true;
  storage.seen = [...seen, name].slice(-50);
  return false;
}

/** An agent's words: they go straight to the person. */
async function handleNotify({ request }) {
  if (!isFromBridge(request)) return null;
  const { userId, sessionId, text, data } = request.body;
  const storage = await getSessionStorage(userId, sessionId);
  if (isRepeat(storage, data.bridge)) return null;
  if (data.bridge.from === "agent") storage.handover = true;
  return { userId, sessionId, text, data };
}

/** A state of the handover: it runs the Flow, which finds it at input.data.handover. */
async function handleInject({ request }) {
  if (!isFromBridge(request)) return null;
  const { userId, sessionId, text, data } = request.body;
  const storage = await getSessionStorage(userId, sessionId);
  if (isRepeat(storage, data.bridge)) return null;
  // Before the Flow runs: what the person writes next must go to the right place.
  storage.handover = ["queue", "active"].includes(data.handover.status);
  return { userId, sessionId, text: text || "", data };
}

const transformers = { handleInput, handleOutput, handleNotify, handleInject };
typeof createWebhookTransformer === "function" ? createWebhookTransformer(transformers) : createSocketTransformer(transformers);
