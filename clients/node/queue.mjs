// `node queue.mjs AMQP_URL QUEUE COUNTY`: every event of a queue, proven, as a JSON line. The county fills the gaps.
import amqp from "amqplib";
import { HTTP } from "cloudevents";
import { County, settle } from "./county.mjs";

const [url, queue, base] = process.argv.slice(2);
const county = new County(base);
const reader = await county.reader();
const connection = await amqp.connect(url);
const channel = await connection.createChannel();
await channel.prefetch(100);

let work = Promise.resolve();
const take = async (message) => {
  const { contentType } = message.properties;
  const event = HTTP.toEvent({ headers: { "content-type": contentType }, body: message.content.toString() });
  event.validate();
  // What the library makes of `data` may be changed; digests are over what was sent.
  const reaction = reader.event(message.content.toString());
  const print = (one) => console.log(JSON.stringify({ key: one.key, version: one.version, op: one.op, by: event.type }));
  await settle(county, reader, reaction, print);
  channel.ack(message);
};
await channel.consume(queue, (message) => {
  work = work.then(() => take(message));
});
console.log(JSON.stringify({ listening: queue }));
