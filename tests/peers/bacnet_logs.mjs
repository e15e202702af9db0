// Trend logs of the BACnet test device: their records on the wire and ReadRange over them.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const asn1 = require("@bacnet-js/client/dist/lib/asn1.js");
const { GenericBitString } = require("@bacnet-js/client/dist/lib/bitstring.js");

const LARGEST_SEQUENCE = 2 ** 32 - 1;
const FIRST_TIME = Date.UTC(2025, 2, 1);
const [LOG_STATUS, BOOLEAN, REAL, ENUMERATED, UNSIGNED, SIGNED, , NULL, FAILURE, TIME_CHANGE] = Array(10).keys();

export const bits = (text) =>
  new GenericBitString(text.length, [...text].flatMap((bit, index) => (bit === "1" ? [index] : [])));

// --- records -----------------------------------------------------------------------------

const DATUM_ENCODERS = {
  [LOG_STATUS]: (buffer, value) => asn1.encodeContextBitstring(buffer, LOG_STATUS, bits(value)),
  [BOOLEAN]: (buffer, value) => asn1.encodeContextBoolean(buffer, BOOLEAN, value),
  [REAL]: (buffer, value) => asn1.encodeContextReal(buffer, REAL, Number(value)),
  [ENUMERATED]: (buffer, value) => asn1.encodeContextEnumerated(buffer, ENUMERATED, value),
  [UNSIGNED]: (buffer, value) => asn1.encodeContextUnsigned(buffer, UNSIGNED, value),
  [SIGNED]: (buffer, value) => asn1.encodeContextSigned(buffer, SIGNED, value),
  [NULL]: (buffer) => asn1.encodeTag(buffer, NULL, true, 0),
  [FAILURE]: (buffer, [errorClass, errorCode]) => {
    asn1.encodeOpeningTag(buffer, FAILURE);
    asn1.encodeApplicationEnumerated(buffer, errorClass);
    asn1.encodeApplicationEnumerated(buffer, errorCode);
    asn1.encodeClosingTag(buffer, FAILURE);
  },
  [TIME_CHANGE]: (buffer, value) => asn1.encodeContextReal(buffer, TIME_CHANGE, value),
};

function encodeRecord([time, datum, value, flags]) {
  const buffer = { buffer: Buffer.alloc(128), offset: 0 };
  asn1.encodeOpeningTag(buffer, 0);
  asn1.encodeApplicationDate(buffer, new Date(time));
  asn1.encodeApplicationTime(buffer, new Date(time));
  asn1.encodeClosingTag(buffer, 0);
  asn1.encodeOpeningTag(buffer, 1);
  DATUM_ENCODERS[datum](buffer, value);
  asn1.encodeClosingTag(buffer, 1);
  if (flags !== null) asn1.encodeContextBitstring(buffer, 2, bits(flags));
  return buffer.buffer.subarray(0, buffer.offset);
}

// --- logs --------------------------------------------------------------------------------

export class StillLog {
  constructor({ instance, bufferSize, first, records }) {
    Object.assign(this, { instance, bufferSize, records });
    this.start = first;
  }

  // The log as it is at one moment: its first sequence number, length and records.
  view() {
    return { first: this.start, count: this.records.length, record: (index) => this.records[index] };
  }
}

// Grows by a record each period, and forgets the oldest when the buffer is full.
export class LiveLog {
  constructor({ instance, bufferSize, startsWith }, period) {
    Object.assign(this, { instance, bufferSize, startsWith, period });
    this.began = Date.now();
  }

  view() {
    const total = this.startsWith + Math.floor((Date.now() - this.began) / this.period);
    const count = Math.min(total, this.bufferSize);
    const first = total - count + 1;
    const record = (index) => [FIRST_TIME + (first + index) * 1000, REAL, first + index, "0000"];
    return { first, count, record };
  }
}

const sequence = (first, steps) => ((first - 1 + steps) % LARGEST_SEQUENCE) + 1;

export const totalRecords = (view) => (view.count ? sequence(view.first, view.count - 1) : 0);

// --- ReadRange ---------------------------------------------------------------------------

// Index of the record a range begins (or, for a negative count, ends) at; null when none does.
function reference(view, { requestType, position, time, count }, types) {
  switch (requestType) {
    case types.BY_POSITION:
      return position >= 1 && position <= view.count ? position - 1 : null;
    case types.BY_SEQUENCE_NUMBER: {
      const index = (position - view.first + LARGEST_SEQUENCE) % LARGEST_SEQUENCE;
      return position >= 1 && index < view.count ? index : null;
    }
    case types.BY_TIME_REFERENCE_TIME_COUNT:
      return byTime(view, time.getTime(), count);
    default:
      return 0;
  }
}

// The first record after the time, or the last one before it for a negative count.
function byTime(view, time, count) {
  const at = (index) => new Date(view.record(index)[0]).getTime();
  let index = 0;
  if (count < 0) {
    while (index < view.count && at(index) < time) index += 1;
    return index > 0 ? index - 1 : null;
  }
  while (index < view.count && at(index) <= time) index += 1;
  return index < view.count ? index : null;
}

// Records that answer a request and fit into the given number of bytes, with their flags.
export function readRange(log, request, types, room) {
  const view = log.view();
  const found = reference(view, request, types);
  const count = request.count ?? view.count;
  if (found === null || count === 0 || view.count === 0) {
    return { flags: bits("000"), itemCount: 0, data: Buffer.alloc(0), first: 0 };
  }
  const from = count > 0 ? found : Math.max(0, found + count + 1);
  const to = count > 0 ? Math.min(view.count, found + count) : found + 1;
  const kept = fitting(view, from, to, count > 0, room);
  const more = kept.parts.length < to - from;
  const flags = [kept.from === 0, kept.from + kept.parts.length === view.count, more];
  return {
    flags: bits(flags.map((flag) => (flag ? "1" : "0")).join("")),
    itemCount: kept.parts.length,
    data: Buffer.concat(kept.parts),
    first: sequence(view.first, kept.from),
  };
}

// The records next to the reference stay when not all of them fit.
function fitting(view, from, to, forward, room) {
  const parts = [];
  let left = room;
  for (let step = 0; step < to - from; step += 1) {
    const part = encodeRecord(view.record(forward ? from + step : to - 1 - step));
    if (part.length > left) break;
    left -= part.length;
    if (forward) parts.push(part);
    else parts.unshift(part);
  }
  return { parts, from: forward ? from : to - parts.length };
}
