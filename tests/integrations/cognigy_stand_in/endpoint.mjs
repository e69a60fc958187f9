// A Cognigy.AI endpoint in miniature, for the tests of the transformer kit. See README.md.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import vm from "node:vm";

const { KIT, PORT, BRIDGE_URL, SIGNING_SECRET, KIND = "socket", SEND_EVERYTHING = "true", RAW_BODY = "" } = process.env;
const TOKEN = "tok-kit";

const storages = new Map();
const windows = new Map();
const flowRuns = [];
const broken = [];
let requestsOfRun = 0;

/** Cognigy's: one request each run, five seconds, an error for anything but a 2xx. */
async function httpRequest({ method, uri, headers, body, timeout = 5000 }) {
  requestsOfRun += 1;
  if (requestsOfRun > 1) {
    broken.push("more than one HTTP request in one run");
    throw new Error("limit");
  }
  if (timeout > 5000) broken.push("waits for more than five seconds");
  const answer = await fetch(uri, { method, headers, body, signal: AbortSignal.timeout(timeout) });
  const text = await answer.text();
  if (!answer.ok) throw Object.assign(new Error("refused"), { statusCode: answer.status });
  return text;
}

const key = (userId, sessionId) => JSON.stringify([userId, sessionId]);
async function getSessionStorage(userId, sessionId) {
  if (!storages.has(key(userId, sessionId))) storages.set(key(userId, sessionId), {});
  return storages.get(key(userId, sessionId));
}

// The kit, with its values set as its user would.
let transformers;
const source = fs.readFileSync(KIT, "utf8");
const set = (name, value) => (text) => {
  const line = new RegExp(`^const ${name} = .*;$`, "m");
  if (!line.test(text)) throw new Error(`the kit has no ${name}`);
  return text.replace(line, `const ${name} = ${value};`);
};
const kit = [
  set("BRIDGE_URL", JSON.stringify(BRIDGE_URL)),
  set("SIGNING_SECRET", JSON.stringify(SIGNING_SECRET)),
  set("SEND_EVERYTHING", SEND_EVERYTHING),
  set("CANCEL_TEXT", '"bot"'),
].reduce((text, change) => change(text), source);
const create = (given) => { transformers = given; };
const globals = { Buffer, console, crypto, httpRequest, getSessionStorage };
globals[KIND === "socket" ? "createSocketTransformer" : "createWebhookTransformer"] = create;
vm.runInNewContext(kit, globals, { filename: "transformer.js" });

/** One run of a transformer, with Cognigy's limit on requests. Runs one after another, as nothing here needs more. */
let last = Promise.resolve();
function run(name, argument) {
  last = last.then(async () => {
    requestsOfRun = 0;
    return transformers[name](argument);
  }).catch((error) => {
    broken.push(`${name}: ${error.message}`);
    return null;
  });
  return last;
}

const endpoint = { URLToken: TOKEN, channel: KIND === "socket" ? "webchat3" : "webhook" };

function show(sessionId, from, text, data) {
  windows.set(sessionId, [...(windows.get(sessionId) || []), { from, text: text || "", data: data || {} }]);
}

async function output(userId, sessionId, text, data = {}) {
  // A Webhook endpoint gives, and sends, its own form.
  const processedOutput = KIND === "socket" ? undefined : { userId, sessionId, AIOutput: { text, data } };
  const sent = await run("handleOutput", { output: { text, data }, processedOutput, endpoint, userId, sessionId });
  if (!sent) return;
  const shown = KIND === "socket" ? sent : sent.AIOutput;
  show(sessionId, "bot", shown.text, shown.data);
}

/** The Flow. */
async function flow({ userId, sessionId, text = "", data = {} }) {
  flowRuns.push({ sessionId, text, data });
  const handover = data.handover;
  if (handover) {
    const said = {
      queue: handover.position && `Your place in the queue: ${handover.position}`,
      active: `${(handover.agent && handover.agent.name) || "An agent"} is here.`,
      unreachable: "The agent could not be reached.",
      refused: "The agent could not take that.",
    };
    const words = handover.status in said ? said[handover.status] : `You are back with the bot. (${handover.status})`;
    if (words) await output(userId, sessionId, words);
  } else if (/agent/i.test(text)) {
    const profile = { firstname: "Ada", email: "ada@example.org", accepted_gdpr: true, memories: ["private"] };
    profile.self = profile;
    const wish = { command: "start", reason: "asked for a human", profile, unavailableText: "Nobody is there." };
    await output(userId, sessionId, "I am asking a colleague", { handover: wish });
  } else {
    await output(userId, sessionId, "I am a small bot", data.card ? { _cognigy: data.card } : {});
  }
}

async function input(body) {
  show(body.sessionId, "user", body.text, body.data);
  const argument = KIND === "socket" ? { payload: body, endpoint } : { request: { body }, endpoint };
  const passed = await run("handleInput", argument);
  const event = body.data && body.data._cognigy && body.data._cognigy.event;
  if (passed && !event) await flow(passed);
}

const server = http.createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const [, first, second] = request.url.split("/").map(decodeURIComponent);
  const answer = (status, value) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
  };
  if (request.method === "GET") {
    if (first === "window") return answer(200, windows.get(second) || []);
    if (first === "state") return answer(200, { broken, flowRuns });
    return answer(404, {});
  }
  const body = JSON.parse(raw.toString("utf8"));
  const asked = { headers: request.headers, body, ...(RAW_BODY ? { rawBody: raw } : {}) };
  if (first === "notify" && second === TOKEN) {
    const shown = await run("handleNotify", { request: asked, endpoint });
    if (shown) show(shown.sessionId, "agent", shown.text, shown.data);
    return answer(200, {});
  }
  if (first === "inject" && second === TOKEN) {
    const passed = await run("handleInject", { request: asked, endpoint });
    if (passed) await flow(passed);
    return answer(200, {});
  }
  if (first !== TOKEN) return answer(404, {});
  await input(body);
  return answer(200, {});
});
server.listen(Number(PORT), "127.0.0.1");
