// The real socket.io client, told what to do: socket.mjs OPTIONS, where OPTIONS is JSON {url, ...options of io()}.
// Each line of standard input is JSON {emit, data}; each line of standard output is JSON {on, ...}: what happened.
import { createInterface } from "node:readline";
import { io } from "socket.io-client";

const { url, ...options } = JSON.parse(process.argv[2]);
const say = (on, what = {}) => process.stdout.write(`${JSON.stringify({ on, ...what })}\n`);

const socket = io(`${url}/manifests`, { path: "/api/socket.io", reconnectionDelay: 50, ...options });
socket.io.on("open", () => {
  say("transport", { name: socket.io.engine.transport.name });
  socket.io.engine.once("upgrade", (transport) => say("transport", { name: transport.name }));
});
socket.on("connect", () => say("connect"));
socket.on("connect_error", (error) => say("connect_error", { message: error.message }));
socket.on("disconnect", (reason) => say("disconnect", { reason }));
socket.onAny((event, data) => say("event", { event, data }));

for await (const line of createInterface({ input: process.stdin })) {
  const { emit, data } = JSON.parse(line);
  socket.emit(emit, data, (answer) => say("ack", { to: emit, answer }));
}
socket.disconnect();
process.exit(0);
