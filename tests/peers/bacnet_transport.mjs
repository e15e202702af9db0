// The UDP socket of the BACnet test device.  Every request is written to the audit file before
// anything else sees it, and what the device does not serve is rejected here, so that a write
// can neither slip past the audit nor be answered twice.
import { createSocket } from "node:dgram";
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import { openSync, writeSync } from "node:fs";

const require = createRequire(import.meta.url);
const library = (name) => require(`@bacnet-js/client/dist/lib/${name}.js`);
const apdu = library("apdu");
const bvlc = library("bvlc");
const npdu = library("npdu");

const BVLC_BYTES = 4;
const CONFIRMED = 0x00;
const UNCONFIRMED = 0x10;
const REJECT = 0x60;
const UNRECOGNIZED_SERVICE = 9;
const LARGEST_REPLY = 65536;

export class AuditedTransport extends EventEmitter {
  // served: sets of the confirmed and unconfirmed service numbers the device answers.
  constructor({ address, port, audit, served, dropEvery }) {
    super();
    this.address = address;
    this.port = port;
    this.audit = audit ? openSync(audit, "a") : null;
    this.served = served;
    this.dropEvery = dropEvery;
    this.requests = 0;
    this.socket = createSocket({ type: "udp4", reuseAddr: false });
    this.socket.on("message", (message, sender) => this.receive(message, `${sender.address}:${sender.port}`));
    this.socket.on("error", (error) => this.emit("error", error));
    this.socket.on("listening", () => {
      this.port = this.socket.address().port;
      this.emit("listening");
    });
  }

  open() { this.socket.bind(this.port, this.address); }
  close() { this.socket.close(); }
  getBroadcastAddress() { return "127.255.255.255"; }
  getMaxPayload() { return 1482; }

  send(buffer, length, receiver) {
    if (!receiver) return; // nothing is broadcast on the loopback
    const [address, port] = receiver.split(":");
    this.socket.send(Buffer.from(buffer.subarray(0, length)), Number(port), address);
  }

  receive(message, sender) {
    const link = message.length > BVLC_BYTES ? bvlc.decode(message, 0) : undefined;
    const network = link && npdu.decode(message, link.len);
    if (!network) return;
    const offset = link.len + network.len;
    const type = message[offset] & 0xf0;
    if (type === CONFIRMED || type === UNCONFIRMED) {
      this.requests += 1;
      if (!this.accept(message, offset, type === CONFIRMED, sender)) return;
    }
    this.emit("message", message, sender);
  }

  // Whether the request goes on to the device.
  accept(message, offset, confirmed, sender) {
    const request = confirmed
      ? apdu.decodeConfirmedServiceRequest(message, offset)
      : apdu.decodeUnconfirmedServiceRequest(message, offset);
    const dropped = this.dropEvery > 0 && this.requests % this.dropEvery === 0;
    const served = this.served[confirmed ? "confirmed" : "unconfirmed"].has(request.service);
    this.note({ confirmed, service: request.service, bytes: message.length, served, dropped, sender });
    if (served && !dropped) return true;
    if (confirmed && !dropped) {
      reply(this, { address: sender }, (buffer) => {
        apdu.encodeAbort(buffer, REJECT, request.invokeId, UNRECOGNIZED_SERVICE);
      });
    }
    return false;
  }

  note(entry) {
    if (this.audit !== null) writeSync(this.audit, `${JSON.stringify(entry)}\n`);
  }
}

// Sends what encode writes; the library's own buffer is too small for some replies, and it
// ends the process then.  Returns false, and sends nothing, when it would exceed the limit.
export function reply(transport, receiver, encode, { limit = LARGEST_REPLY, expectingReply = false } = {}) {
  const buffer = { buffer: Buffer.alloc(LARGEST_REPLY), offset: BVLC_BYTES };
  npdu.encode(buffer, expectingReply ? 0x04 : 0, null);
  const start = buffer.offset;
  encode(buffer);
  if (buffer.offset - start > limit) return false;
  bvlc.encode(buffer.buffer, 0x0a, buffer.offset);
  transport.send(buffer.buffer, buffer.offset, receiver.address);
  return true;
}
