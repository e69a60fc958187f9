import { run } from "./runtime.mjs";

await run(async () => ({ statusCode: 200, body: "hello" }));
