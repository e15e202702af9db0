// The BACnet/IP test device, built on @bacnet-js/client so that it shares no code with the
// driver.  What it holds is told by --plant, a file that bacnet_truth.py and bacnet_trends.py
// write.  It does not segment, and it refuses everything that is not a read or a subscription.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { parseArgs } from "node:util";
import { LiveLog, StillLog, bits, readRange, totalRecords } from "./bacnet_logs.mjs";
import { AuditedTransport, reply } from "./bacnet_transport.mjs";

const require = createRequire(import.meta.url);
const { default: Client, ...enums } = require("@bacnet-js/client");
const services = require("@bacnet-js/client/dist/lib/services/index.js").default;
const apdu = require("@bacnet-js/client/dist/lib/apdu.js");
const { ApplicationTag, ASN1_ARRAY_ALL, ObjectType, PropertyIdentifier: P, ReadRangeType } = enums;
const { ConfirmedServiceChoice: Confirmed, UnconfirmedServiceChoice: Unconfirmed } = enums;

const { values: options } = parseArgs({
  options: {
    "address": { type: "string", default: "127.0.0.2" },
    "port": { type: "string", default: "0" },
    "device": { type: "string", default: "5001" },
    "plant": { type: "string" },
    "no-rpm": { type: "boolean", default: false },
    "max-apdu": { type: "string", default: "1476" },
    "live-period": { type: "string", default: "100" },
    "log-period": { type: "string", default: "100" },
    "drop-every": { type: "string", default: "0" },
    "utc-offset": { type: "string", default: "0" },
    "audit": { type: "string" },
  },
});
const number = (name) => Number.parseInt(options[name], 10);

const VENDOR = 999;
const NO_SEGMENTATION = 3;
const SEGMENTATION_NOT_SUPPORTED = 4;
const ABORT_BY_SERVER = 0x71;
const COMPLEX_ACK = 0x30;
const ERROR = 0x50;
const UNCONFIRMED_REQUEST = 0x10;
const CONFIRMED_REQUEST = 0x00;
const MAX_APDU_BYTES = [50, 128, 206, 480, 1024, 1476];
const ANY_DEVICE = 4194303;
const UNKNOWN_OBJECT = [1, 31];
const UNKNOWN_PROPERTY = [2, 32];
const INVALID_INDEX = [2, 42];
const NOT_AN_ARRAY = [2, 50];
const NOT_A_LIST = [5, 22];
const ARRAYS = new Set([P.OBJECT_LIST, P.STATE_TEXT, P.PRIORITY_ARRAY, P.PROPERTY_LIST]);
const NOT_LISTED = new Set([P.OBJECT_IDENTIFIER, P.OBJECT_NAME, P.OBJECT_TYPE, P.PROPERTY_LIST]);
const LIVE = `${ObjectType.ANALOG_INPUT}:9100`;

const key = ({ type, instance }) => `${type}:${instance}`;
const deviceId = { type: ObjectType.DEVICE, instance: number("device") };
const maxApdu = number("max-apdu");

// --- objects -----------------------------------------------------------------------------

const unsigned = (value) => [{ type: ApplicationTag.UNSIGNED_INTEGER, value }];
const enumerated = (value) => [{ type: ApplicationTag.ENUMERATED, value }];
const boolean = (value) => [{ type: ApplicationTag.BOOLEAN, value }];
const text = (value) => [{ type: ApplicationTag.CHARACTER_STRING, value }];
const identifier = (value) => ({ type: ApplicationTag.OBJECTIDENTIFIER, value });

function decoded([type, value]) {
  if (type === ApplicationTag.BIT_STRING) return { type, value: bits(value) };
  if (type === ApplicationTag.REAL || type === ApplicationTag.DOUBLE) return { type, value: Number(value) };
  return { type, value };
}

// Properties are functions, since a few change with time.
function plantObject(described) {
  const id = { type: described.type, instance: described.instance };
  const properties = new Map();
  for (const [property, values] of Object.entries(described.properties)) {
    properties.set(Number(property), () => values.map(decoded));
  }
  return { id, properties, errors: new Map(Object.entries(described.errors).map(([p, e]) => [Number(p), e])) };
}

function logObject(log) {
  const properties = new Map([
    [P.OBJECT_NAME, () => text(`trend-log ${log.instance}`)],
    [P.DESCRIPTION, () => text(`Verlauf ${log.instance}`)],
    [P.ENABLE, () => boolean(true)],
    [P.STOP_WHEN_FULL, () => boolean(false)],
    [P.BUFFER_SIZE, () => unsigned(log.bufferSize)],
    [P.RECORD_COUNT, () => unsigned(log.view().count)],
    [P.TOTAL_RECORD_COUNT, () => unsigned(totalRecords(log.view()))],
    [P.EVENT_STATE, () => enumerated(0)],
    [P.STATUS_FLAGS, () => [{ type: ApplicationTag.BIT_STRING, value: bits("0000") }]],
  ]);
  return { id: { type: ObjectType.TREND_LOG, instance: log.instance }, properties, errors: new Map(), log };
}

const localNow = () => new Date(Date.now() - number("utc-offset") * 60000);
const served = {
  confirmed: new Set([Confirmed.READ_PROPERTY, Confirmed.READ_RANGE, Confirmed.SUBSCRIBE_COV]),
  unconfirmed: new Set([Unconfirmed.WHO_IS]),
};
if (!options["no-rpm"]) served.confirmed.add(Confirmed.READ_PROPERTY_MULTIPLE);
// Bits of services-supported: subscribe-cov, read-property, read-property-multiple, who-is, read-range.
const SERVICE_BITS = [5, 12, ...(options["no-rpm"] ? [] : [14]), 34, 35];

function deviceObject(all) {
  const flags = (size, set) => [...Array(size).keys()].map((bit) => (set.includes(bit) ? "1" : "0")).join("");
  const types = [...new Set([...all].map((one) => one.id.type))];
  const bitString = (size, set) => [{ type: ApplicationTag.BIT_STRING, value: bits(flags(size, set)) }];
  const properties = new Map([
    [P.OBJECT_NAME, () => text(`device ${deviceId.instance}`)],
    [P.DESCRIPTION, () => text("Prüfstand")],
    [P.SYSTEM_STATUS, () => enumerated(0)],
    [P.VENDOR_NAME, () => text("Peer")],
    [P.VENDOR_IDENTIFIER, () => unsigned(VENDOR)],
    [P.MODEL_NAME, () => text("bacnet_device")],
    [P.FIRMWARE_REVISION, () => text("1")],
    [P.APPLICATION_SOFTWARE_VERSION, () => text("1")],
    [P.PROTOCOL_VERSION, () => unsigned(1)],
    [P.PROTOCOL_REVISION, () => unsigned(19)],
    [P.PROTOCOL_SERVICES_SUPPORTED, () => bitString(40, SERVICE_BITS)],
    [P.PROTOCOL_OBJECT_TYPES_SUPPORTED, () => bitString(64, types)],
    [P.OBJECT_LIST, () => [...all].map((one) => identifier(one.id))],
    [P.MAX_APDU_LENGTH_ACCEPTED, () => unsigned(maxApdu)],
    [P.SEGMENTATION_SUPPORTED, () => enumerated(NO_SEGMENTATION)],
    [P.APDU_TIMEOUT, () => unsigned(3000)],
    [P.NUMBER_OF_APDU_RETRIES, () => unsigned(3)],
    [P.DATABASE_REVISION, () => unsigned(1)],
    [P.LOCAL_DATE, () => [{ type: ApplicationTag.DATE, value: localNow() }]],
    [P.LOCAL_TIME, () => [{ type: ApplicationTag.TIME, value: localNow() }]],
    [P.UTC_OFFSET, () => [{ type: ApplicationTag.SIGNED_INTEGER, value: number("utc-offset") }]],
  ]);
  return { id: deviceId, properties, errors: new Map() };
}

function allObjects(plant) {
  const objects = new Map();
  const list = () => objects.values();
  const add = (one) => {
    one.properties.set(P.OBJECT_IDENTIFIER, () => [identifier(one.id)]);
    one.properties.set(P.OBJECT_TYPE, () => enumerated(one.id.type));
    one.properties.set(P.PROPERTY_LIST, () =>
      [...one.properties.keys()].filter((p) => !NOT_LISTED.has(p)).flatMap((p) => enumerated(p)));
    objects.set(key(one.id), one);
  };
  add(deviceObject({ [Symbol.iterator]: list }));
  plant.objects.forEach((described) => add(plantObject(described)));
  plant.logs.forEach((log) => add(logObject(new StillLog(log))));
  add(logObject(new LiveLog(plant.live, number("log-period"))));
  return objects;
}

const objects = allObjects(JSON.parse(readFileSync(options.plant, "utf8")));

function find(id) {
  const own = id.type === ObjectType.DEVICE && id.instance === ANY_DEVICE;
  return objects.get(own ? key(deviceId) : key(id));
}

// --- reads -------------------------------------------------------------------------------

// The values of a property, or { error: [class, code] }.
function read(id, { id: property, index }) {
  const one = find(id);
  if (!one) return { error: UNKNOWN_OBJECT };
  if (one.errors.has(property)) return { error: one.errors.get(property) };
  const values = one.properties.get(property)?.();
  if (!values) return { error: UNKNOWN_PROPERTY };
  if (index === ASN1_ARRAY_ALL) return { values };
  if (!ARRAYS.has(property)) return { error: NOT_AN_ARRAY };
  if (index === 0) return { values: unsigned(values.length) };
  return index <= values.length ? { values: [values[index - 1]] } : { error: INVALID_INDEX };
}

function acknowledge(request, encode) {
  const limit = Math.min(maxApdu, MAX_APDU_BYTES[request.maxApdu] ?? maxApdu);
  const sent = reply(transport, request.header.sender, (buffer) => {
    apdu.encodeComplexAck(buffer, COMPLEX_ACK, request.service, request.invokeId);
    encode(buffer);
  }, { limit });
  if (!sent) abort(request, SEGMENTATION_NOT_SUPPORTED);
}

function abort(request, reason) {
  reply(transport, request.header.sender, (buffer) => {
    apdu.encodeAbort(buffer, ABORT_BY_SERVER, request.invokeId, reason);
  });
}

function refuse(request, [errorClass, errorCode]) {
  reply(transport, request.header.sender, (buffer) => {
    apdu.encodeError(buffer, ERROR, request.service, request.invokeId);
    services.error.encode(buffer, errorClass, errorCode);
  });
}

function answerReadProperty(request) {
  const { objectId, property } = request.payload;
  const { error, values } = read(objectId, property);
  if (error) {
    refuse(request, error);
    return;
  }
  const id = find(objectId).id;
  acknowledge(request, (buffer) =>
    services.readProperty.encodeAcknowledge(buffer, id, property.id, property.index, values));
}

const ALL_LIKE = new Set([P.ALL, P.REQUIRED, P.OPTIONAL]);

// Required and optional are both answered with everything there is but the property list.
function expanded(id, properties) {
  const named = [...(find(id)?.properties.keys() ?? [])].filter((p) => p !== P.PROPERTY_LIST);
  return properties.flatMap((one) =>
    ALL_LIKE.has(one.id) && named.length ? named.map((p) => ({ id: p, index: ASN1_ARRAY_ALL })) : [one]);
}

function answerReadPropertyMultiple(request) {
  const results = request.payload.properties.map(({ objectId, properties }) => ({
    objectId: find(objectId)?.id ?? objectId,
    values: expanded(objectId, properties).map((property) => {
      const { error, values } = read(objectId, property);
      if (!error) return { property, value: values };
      const [errorClass, errorCode] = error;
      return { property, value: [{ value: { type: "BacnetError", errorClass, errorCode } }] };
    }),
  }));
  acknowledge(request, (buffer) => services.readPropertyMultiple.encodeAcknowledge(buffer, results));
}

const RANGE_HEADER_BYTES = 40;

function answerReadRange(request) {
  const { objectId, property, requestType } = request.payload;
  const one = find(objectId);
  if (!one) return refuse(request, UNKNOWN_OBJECT);
  if (!one.log || property.id !== P.LOG_BUFFER) return refuse(request, NOT_A_LIST);
  const limit = Math.min(maxApdu, MAX_APDU_BYTES[request.maxApdu] ?? maxApdu);
  const range = readRange(one.log, request.payload, ReadRangeType, limit - RANGE_HEADER_BYTES);
  return acknowledge(request, (buffer) =>
    services.readRange.encodeAcknowledge(
      buffer, one.id, property.id, property.index, range.flags, range.itemCount, range.data,
      requestType, range.first,
    ));
}

// --- change of value ---------------------------------------------------------------------

const subscriptions = new Map();
let liveValue = 0;
let nextInvokeId = 0;

function notify(subscription) {
  const { id, process, sender, confirmed, ends } = subscription;
  const remaining = ends === null ? 0 : Math.max(0, Math.round((ends - Date.now()) / 1000));
  // An index or priority given at all would be written, whatever it is.
  const values = [P.PRESENT_VALUE, P.STATUS_FLAGS].map((property) => ({
    property: { id: property }, value: read(id, { id: property, index: ASN1_ARRAY_ALL }).values,
  }));
  reply(transport, sender, (buffer) => {
    if (confirmed) {
      nextInvokeId = (nextInvokeId + 1) % 256;
      apdu.encodeConfirmedServiceRequest(
        buffer, CONFIRMED_REQUEST, Confirmed.CONFIRMED_COV_NOTIFICATION, 0, 5, nextInvokeId, 0, 0);
    } else {
      apdu.encodeUnconfirmedServiceRequest(buffer, UNCONFIRMED_REQUEST, Unconfirmed.UNCONFIRMED_COV_NOTIFICATION);
    }
    services.covNotify.encode(buffer, process, deviceId.instance, id, remaining, values);
  }, { expectingReply: confirmed });
}

function answerSubscription(request) {
  const asked = request.payload;
  const one = find(asked.monitoredObjectId);
  if (!one) return refuse(request, UNKNOWN_OBJECT);
  if (!one.properties.has(P.PRESENT_VALUE)) return refuse(request, [5, 45]); // not a COV object
  const sender = request.header.sender;
  const name = `${sender.address} ${asked.subscriberProcessId} ${key(one.id)}`;
  reply(transport, sender, (buffer) => apdu.encodeSimpleAck(buffer, 0x20, request.service, request.invokeId));
  if (asked.cancellationRequest) {
    subscriptions.delete(name);
    return undefined;
  }
  const subscription = {
    id: one.id,
    process: asked.subscriberProcessId,
    sender: { address: sender.address },
    confirmed: Boolean(asked.issueConfirmedNotifications),
    ends: asked.lifetime ? Date.now() + asked.lifetime * 1000 : null,
  };
  subscriptions.set(name, subscription);
  return notify(subscription);
}

function tick() {
  liveValue += 1;
  for (const [name, subscription] of subscriptions) {
    if (subscription.ends !== null && subscription.ends < Date.now()) subscriptions.delete(name);
    else if (key(subscription.id) === LIVE) notify(subscription);
  }
}

function startLive() {
  const live = objects.get(LIVE);
  live.properties.set(P.PRESENT_VALUE, () => [{ type: ApplicationTag.REAL, value: liveValue }]);
  setInterval(tick, number("live-period"));
}

// --- discovery ---------------------------------------------------------------------------

function answerWhoIs({ header, payload }) {
  const { lowLimit, highLimit } = payload;
  const limited = lowLimit !== undefined && highLimit !== undefined;
  if (limited && (deviceId.instance < lowLimit || deviceId.instance > highLimit)) return;
  reply(transport, header.sender, (buffer) => {
    apdu.encodeUnconfirmedServiceRequest(buffer, UNCONFIRMED_REQUEST, Unconfirmed.I_AM);
    services.iAm.encode(buffer, deviceId.instance, maxApdu, NO_SEGMENTATION, VENDOR);
  });
}

// --- start -------------------------------------------------------------------------------

const transport = new AuditedTransport({
  address: options.address,
  port: number("port"),
  audit: options.audit,
  served,
  dropEvery: number("drop-every"),
});
const client = new Client({ transport });
client.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
client.on("whoIs", answerWhoIs);
client.on("readProperty", answerReadProperty);
client.on("readPropertyMultiple", answerReadPropertyMultiple);
client.on("readRange", answerReadRange);
client.on("subscribeCov", answerSubscription);
client.on("listening", () => {
  console.log(JSON.stringify({ port: transport.port, pid: process.pid, device: deviceId.instance }));
});
startLive();
// The launcher holds the other end of stdin; its end means the tests are gone.
process.stdin.on("end", () => process.exit(0)).resume();
