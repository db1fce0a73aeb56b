// What a client of Sluice does, from signing in to checked data.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { io } from "socket.io-client";

const { DEMO_USER, DEMO_PASSWORD, DEMO_ENDPOINTS, SLUICE_LLM_BASE_URL, SLUICE_LLM_API_KEY, SLUICE_LLM_MODEL } = process.env;
const here = (name) => new URL(name, import.meta.url);
const json = async (path) => JSON.parse(await readFile(path, "utf8"));
const endpoints = await json(DEMO_ENDPOINTS);
const schema = await json(here("invoice.schema.json"));
const expected = await json(here("expected.json"));
let token;

async function call(method, path, body, headers = {}) {
  const isForm = body instanceof FormData;
  const response = await fetch(endpoints.api + path, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && !isForm && { "content-type": "application/json" }),
      ...headers,
    },
    body: body && !isForm ? JSON.stringify(body) : body,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

const print = (...words) => console.log(...words);
const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

async function prepare() {
  const login = await call("POST", "/auth/login", { username: DEMO_USER, password: DEMO_PASSWORD });
  token = login.token;
  const baseUrl = SLUICE_LLM_BASE_URL || endpoints.model;
  if (!baseUrl) throw new Error("there is no model: set SLUICE_LLM_BASE_URL, or run scripts/install model");
  const model = await call("POST", "/models", {
    name: SLUICE_LLM_MODEL || "Local model",
    adapterType: "openai",
    parameters: {
      baseUrl,
      apiKey: SLUICE_LLM_API_KEY || "none",
      modelName: SLUICE_LLM_MODEL || "local",
      temperature: 0,
      maxTokens: 2000,
      supportsStructuredOutput: true,
    },
  });
  const extractor = await call("POST", "/extractors", { name: "Local reader", extractorType: "local", config: {} });
  const { project } = await call("POST", "/projects/wizard", {
    project: { name: "Demonstration", textExtractorId: extractor.id, llmModelId: model.id },
    jsonSchema: schema,
  });
  const group = await call("POST", `/projects/${project.id}/groups`, { name: "Invoices", projectId: project.id });
  print(`signed in as ${login.user.username}; project ${project.id}, group ${group.id}, model at ${baseUrl}`);
  return group.id;
}

/** Through the API, as a form. */
async function uploadByForm(groupId, name) {
  const form = new FormData();
  form.append("file", new Blob([await readFile(here(name))], { type: "application/pdf" }), name);
  return call("POST", `/groups/${groupId}/manifests`, form);
}

/** Straight into storage, by a signed URL. */
async function uploadBySignedUrl(groupId, name) {
  const bytes = await readFile(here(name));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const upload = await call("POST", `/groups/${groupId}/uploads`, {
    filename: name, size: bytes.length, sha256, contentType: "image/png",
  });
  const put = await fetch(upload.url, { method: "PUT", headers: upload.headers, body: bytes });
  if (!put.ok) throw new Error(`PUT to storage: ${put.status} ${await put.text()}`);
  return call("POST", `/groups/${groupId}/uploads/${upload.uploadId}/complete`);
}

function connect() {
  return new Promise((resolve, reject) => {
    const socket = io(`${endpoints.socket}/manifests`, { path: "/api/socket.io", auth: { token } });
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", reject);
  });
}

/** Starts an extraction and shows its events until it ends. */
async function extract(socket, manifest) {
  const reply = await socket.emitWithAck("subscribe-manifest", { manifestId: manifest.id });
  if (reply.event !== "subscribed") throw new Error(`subscribe: ${JSON.stringify(reply)}`);
  const start = Date.now();
  const stages = new Map();
  let jobId;
  let last;
  const ended = new Promise((resolve) => {
    const seen = (update) => {
      if (update.manifestId !== manifest.id) return;
      const line = JSON.stringify([update.progress, update.status, update.stage, update.textPagesProcessed]);
      if (line === last) return;
      last = line;
      const pages = update.textPagesTotal ? `  page ${update.textPagesProcessed} of ${update.textPagesTotal}` : "";
      const stage = update.stage ?? "";
      print(`  ${seconds(Date.now() - start).padStart(8)}  ${String(update.progress).padStart(3)} %  ${update.status.padEnd(10)} ${stage}${pages}${update.error ? `  ${update.error}` : ""}`);
      if (stage) stages.set(stage, { from: stages.get(stage)?.from ?? Date.now(), to: Date.now() });
      if (["completed", "failed", "canceled"].includes(update.status)) {
        socket.off("job-update", seen);
        resolve(update);
      }
    };
    socket.on("job-update", seen);
  });
  ({ jobId } = await call("POST", `/manifests/${manifest.id}/extract`, {}));
  const end = await ended;
  await socket.emitWithAck("unsubscribe-manifest", { manifestId: manifest.id });
  return { jobId, end, stages };
}

const normal = (value) => (typeof value === "string" ? value.trim().replace(/\s+/g, " ").toLowerCase() : value);

/** Data in the order of the schema. */
function inOrder(data, schema) {
  if (Array.isArray(data)) return data.map((item) => inOrder(item, schema.items));
  if (data === null || typeof data !== "object") return data;
  const names = Object.keys(schema?.properties ?? {}).filter((name) => name in data);
  return Object.fromEntries(names.map((name) => [name, inOrder(data[name], schema.properties[name])]));
}

/** The paths at which data differs from what is expected. */
function differences(wanted, found, path = "") {
  if (wanted !== null && typeof wanted === "object") {
    const keys = new Set([...Object.keys(wanted), ...(Array.isArray(wanted) ? Object.keys(found ?? []) : [])]);
    return [...keys].flatMap((key) => differences(wanted[key], found?.[key], path ? `${path}.${key}` : key));
  }
  return normal(wanted) === normal(found) ? [] : [`${path}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`];
}

async function show(name, manifest, run) {
  const result = await call("GET", `/manifests/${manifest.id}`);
  const [history] = await call("GET", `/manifests/${manifest.id}/extraction-history?limit=1`);
  print(JSON.stringify(inOrder(result.extractedData, schema), null, 2));
  print(`status ${result.status}; errors found by the checks: ${result.validationResults?.errorCount ?? "none run"}`);
  print("time of each stage as seen on the socket:");
  for (const [stage, { from, to }] of run.stages) print(`  ${stage.padEnd(13)} ${seconds(to - from)}`);
  const { text, llm, currency } = run.end.costBreakdown ?? {};
  print(`cost: text ${text}, model ${llm} ${currency ?? ""}(tokens: ${history.llmInputTokens} in, ${history.llmOutputTokens} out)`);
  const wrong = differences(expected[name], result.extractedData);
  for (const line of wrong) print(`WRONG  ${line}`);
  return wrong.length;
}

const groupId = await prepare();
const socket = await connect();
let wrong = 0;
for (const [name, upload] of [["invoice-digital.pdf", uploadByForm], ["invoice-scan.png", uploadBySignedUrl]]) {
  const manifest = await upload(groupId, name);
  print(`\n=== ${name}: manifest ${manifest.id}, ${manifest.fileSize} bytes, uploaded ${upload === uploadByForm ? "through the API" : "by a signed URL"}`);
  const run = await extract(socket, manifest);
  wrong += run.end.status === "completed" ? await show(name, manifest, run) : 1;
}
socket.close();
print(`
look further (token from POST ${endpoints.api}/auth/login):
  curl -H "authorization: Bearer $TOKEN" ${endpoints.api}/groups/${groupId}/manifests
  curl -H "authorization: Bearer $TOKEN" ${endpoints.api}/jobs/history
`);
print(wrong === 0 ? "every value is right" : `${wrong} values are wrong`);
process.exit(wrong === 0 ? 0 : 1);
