// The Node client on our queue: queue.mjs URL PREFIX add ID DATA | work
import { Queue, Worker } from "bullmq";
import Redis from "ioredis";

const [url, prefix, command, ...rest] = process.argv.slice(2);
const { hostname: host, port } = new URL(url);
const connection = new Redis(Number(port), host, { maxRetriesPerRequest: null });
const queue = new Queue("extraction", { connection, prefix });
let answer;
if (command === "add") {
  const [jobId, data] = rest;
  await queue.add("process-manifest", JSON.parse(data), { jobId, attempts: 3 });
  answer = { added: jobId };
} else {
  const waiting = await queue.getWaitingCount();
  answer = await new Promise((resolve) => {
    const worker = new Worker("extraction", async (job) => ({ seen: job.id }), { connection, prefix });
    worker.on("completed", async (job) => {
      await worker.close();
      resolve({ waiting, job: { id: job.id, name: job.name, data: job.data } });
    });
  });
}
await queue.close();
console.log(JSON.stringify(answer));
process.exit(0);
