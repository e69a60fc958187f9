// The main job of the function `source-sdk` as one would write it in Node: check the signature of an agent's message over
// its raw bytes, read the conversation, send the message to the queue, sign the answer. No timeline, no metrics, no
// settings from SSM, no queue updates: less than the function does.
import { createHmac, timingSafeEqual } from "node:crypto";
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { run } from "./runtime.mjs";

const secret = process.env.SOURCE_TOKEN;
const table = process.env.HANDOVER_TABLE;
const queue = process.env.HANDOVER_TO_BOT_QUEUE_URL;
const dynamodb = new DynamoDBClient({});
const sqs = new SQSClient({});

const sign = (bytes) => createHmac("sha512", secret).update(bytes).digest();

function answer(statusCode, body) {
  const headers = { "content-type": "application/json", "x-smccsdk-signature": sign(body).toString("hex") };
  return { statusCode, headers, body };
}

await run(async (event) => {
  const body = Buffer.from(event.body ?? "", event.isBase64Encoded ? "base64" : "utf8");
  const given = Buffer.from(event.headers["x-smccsdk-signature"] ?? "", "hex");
  const expected = sign(body);
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
    return answer(401, "Invalid signature");
  }
  const { action, params } = JSON.parse(body.toString());
  if (action !== "messages.create") {
    return answer(422, "Invalid action");
  }
  const connection = event.rawPath.split("/")[1];
  const thread = `${connection}#${params.thread_id}`;
  const Key = { pk: { S: `c#${thread}` }, sk: { S: "state" } };
  const { Item } = await dynamodb.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
  if (!Item) {
    return answer(200, JSON.stringify({ error: { fatal: true, message: "unknown conversation" } }));
  }
  const id = `rcx-${params.content_id}`;
  const job = { id, connection, thread: params.thread_id, message: params };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: queue,
      MessageBody: JSON.stringify(job),
      MessageGroupId: thread,
      MessageDeduplicationId: id,
    }),
  );
  return answer(200, JSON.stringify({ id }));
});
