// The OPC UA test server, built on node-opcua so that it shares no code with the driver.
// Every node id, formula and quirk is documented in README.md next to this file.
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  AggregateFunction, DataType, DataValue, MessageSecurityMode, OPCUACertificateManager,
  OPCUAServer, RegisterServerMethod, SecurityPolicy, StatusCode, StatusCodes, Variant,
  HistoryData, HistoryModifiedData, HistoryReadResult, ReadAtTimeDetails,
  VariantArrayType, addAggregateSupport, coerceNodeId, installAggregateConfigurationOptions, standardUnits,
} from "node-opcua";

const { values: options } = parseArgs({
  options: {
    "port": { type: "string", default: "0" },
    "tags": { type: "string", default: "10000" },
    "history": { type: "string", default: "1000000" },
    "mixed": { type: "string", default: "100000" },
    "max-nodes-per-read": { type: "string", default: "2000" },
    "max-nodes-per-browse": { type: "string", default: "1000" },
    "max-nodes-per-translate": { type: "string", default: "100" },
    "max-nodes-per-history": { type: "string", default: "10" },
    "max-sessions": { type: "string", default: "100" },
    "live-period": { type: "string", default: "100" },
    "no-anonymous": { type: "boolean", default: false },
    "reject-unknown-certificates": { type: "boolean", default: false },
    "pki": { type: "string" },
    "expired-certificate": { type: "boolean", default: false },
    // Needs node --security-revert=CVE-2023-46809: PKCS#1 v1.5 is off without it.
    "rsa15": { type: "boolean", default: false },
    "reject-user-certificates": { type: "boolean", default: false },
    "max-monitored-items": { type: "string", default: "0" },
    "max-items-per-call": { type: "string", default: "1000" },
    "max-subscriptions": { type: "string", default: "0" },
    "step-period": { type: "string", default: "0" },
    "wide-folder": { type: "string", default: "0" },
    "audit": { type: "string" },
  },
});

const NAMESPACE_URI = "urn:greenlang:peer";
const RESOURCE_PATH = "/greenlang";
const BULK_TIME = new Date("2025-06-15T12:34:56.789Z");
const HISTORY_START = Date.UTC(2025, 0, 1);
const SERVER_LAG_MILLISECONDS = 50;
const TICK_PICOSECONDS = 100_000;
const FOLDER_SIZE = 100;
const BURST_SIZES = [1, 10, 2500, 12000, 7, 1000, 3, 4479];

const number = (name) => Number.parseInt(options[name], 10);

// --- data values -----------------------------------------------------------------------

// The constructor of DataValue copies its Variant; for a million samples that is the
// difference between one second and five, so the fields are set directly.
function sample(variant, statusCode, milliseconds, picoseconds = 0, serverPicoseconds = 0) {
  const dataValue = new DataValue(null);
  dataValue.value = variant;
  dataValue.statusCode = statusCode;
  dataValue.sourceTimestamp = new Date(milliseconds);
  dataValue.sourcePicoseconds = picoseconds;
  dataValue.serverTimestamp = new Date(milliseconds + SERVER_LAG_MILLISECONDS);
  dataValue.serverPicoseconds = serverPicoseconds;
  return dataValue;
}

function scalar(dataType, value) {
  const variant = new Variant(null);
  variant.dataType = dataType;
  variant.arrayType = VariantArrayType.Scalar;
  variant.value = value;
  return variant;
}

const double = (value) => scalar(DataType.Double, value);
const noValue = () => new Variant({ dataType: DataType.Null });

// --- history ---------------------------------------------------------------------------

// First index whose source time is not before (or, with after, is behind) the given time.
function boundary(samples, milliseconds, after) {
  let low = 0;
  let high = samples.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const time = samples[middle].sourceTimestamp.getTime();
    if (time < milliseconds || (after && time === milliseconds)) low = middle + 1;
    else high = middle;
  }
  return low;
}

const FIRST_TIME = Date.UTC(1601, 0, 1);
const isSet = (date) => Boolean(date) && date.getTime() !== FIRST_TIME;

// Stores the samples only. Time ranges follow node-opcua's own VariableHistorian (both ends
// inclusive); paging and continuation points stay node-opcua's. Its own store is not used
// because it walks a linked list per read and moves samples that share a timestamp.
class FixedHistorian {
  constructor(samples) {
    this.samples = samples;
  }

  // node-opcua offers every new current value; the recorded history must not change.
  async push() {}

  extractDataValues(details, limit, fromEnd, reverse, callback) {
    const { startTime, endTime } = details;
    let first = isSet(startTime) ? boundary(this.samples, startTime.getTime(), false) : 0;
    let last = isSet(endTime) ? boundary(this.samples, endTime.getTime(), true) : this.samples.length;
    last = Math.max(first, last);
    if (limit && last - first > limit) {
      if (fromEnd) first = last - limit;
      else last = first + limit;
    }
    const found = this.samples.slice(first, last);
    callback(null, reverse || fromEnd ? found.reverse() : found);
  }
}

function series(count, make) {
  const samples = new Array(count);
  for (let index = 0; index < count; index += 1) samples[index] = make(index);
  return samples;
}

const second = (index) => HISTORY_START + index * 1000;

// Every seventh sample is not good. Entries without a value carry no Variant at all.
const MIXED_STATUSES = [
  { code: StatusCodes.BadSensorFailure, withValue: false },
  { code: StatusCodes.UncertainLastUsableValue, withValue: true },
  { code: StatusCodes.BadNoCommunication, withValue: false },
  { code: StatusCodes.UncertainSensorNotAccurate, withValue: true },
  { code: StatusCodes.BadDeviceFailure, withValue: true },
  { code: StatusCodes.UncertainSubNormal, withValue: true },
];

function mixedSample(index) {
  const value = index * 0.25 - 50;
  if (index % 7 !== 0) return sample(double(value), StatusCodes.Good, second(index));
  const status = MIXED_STATUSES[(index / 7) % MIXED_STATUSES.length];
  return sample(status.withValue ? double(value) : noValue(), status.code, second(index));
}

function burstSamples() {
  const samples = [];
  BURST_SIZES.forEach((size, burst) => {
    for (let index = 0; index < size; index += 1) {
      samples.push(sample(double(samples.length), StatusCodes.Good, second(burst)));
    }
  });
  return samples;
}

const DST_STARTS = [Date.UTC(2025, 2, 29, 22), Date.UTC(2025, 9, 25, 22)];
const DST_MINUTES = 361;

function dstSample(index) {
  const start = DST_STARTS[Math.floor(index / DST_MINUTES)];
  return sample(double(index), StatusCodes.Good, start + (index % DST_MINUTES) * 60_000);
}

function ticksSample(index) {
  const ticks = ((index * 7) % 10_000) * TICK_PICOSECONDS;
  return sample(double(index), StatusCodes.Good, HISTORY_START + index, ticks, ticks + TICK_PICOSECONDS);
}

function picosecondsSample(index) {
  const ticks = ((index * 7) % 10_000) * TICK_PICOSECONDS;
  const source = ticks + (index + 1) * 10;
  return sample(double(index), StatusCodes.Good, HISTORY_START + index, source, ticks + (index + 2) * 10);
}

function integerSample(index) {
  const time = second(index) + ((index * 7919) % 997);
  const value = ((index * index * 31) % 1_000_003) - 500_000;
  return sample(scalar(DataType.Int32, value), StatusCodes.Good, time);
}

const tenSeconds = (index) => HISTORY_START + index * 10_000;

function historyTable() {
  const good = StatusCodes.Good;
  const text = (index) => scalar(DataType.String, `state-${index % 5}-ä${index}`);
  return [
    ["Million", "Double", series(number("history"), (i) => sample(double(i * 0.001 - 3), good, second(i)))],
    ["Mixed", "Double", series(number("mixed"), mixedSample)],
    ["Ints", "Int32", series(10_000, integerSample)],
    ["Strings", "String", series(1_000, (i) => sample(text(i), good, tenSeconds(i)))],
    ["Booleans", "Boolean",
      series(5_000, (i) => sample(scalar(DataType.Boolean, i % 3 === 0), good, tenSeconds(i)))],
    ["Bursts", "Double", burstSamples()],
    ["Empty", "Double", []],
    ["Steps", "Double", series(600, (i) => mixedSample(i))],
    ["Dst", "Double", series(2 * DST_MINUTES, dstSample)],
    ["Ticks", "Double", series(1_000, ticksSample)],
    ["Picoseconds", "Double", series(500, picosecondsSample)],
  ];
}

// --- address space ---------------------------------------------------------------------

class Builder {
  constructor(addressSpace) {
    this.addressSpace = addressSpace;
    this.namespace = addressSpace.registerNamespace(NAMESPACE_URI);
    this.root = this.folder("Peer", addressSpace.rootFolder.objects);
  }

  id(name) {
    return `ns=${this.namespace.index};s=${name}`;
  }

  folder(name, parent = this.root) {
    return this.namespace.addFolder(parent, { browseName: name, nodeId: this.id(`Folder.${name}`) });
  }

  variable(parent, name, dataType, extra = {}) {
    return this.namespace.addVariable({
      organizedBy: parent, browseName: name, nodeId: this.id(name), dataType,
      accessLevel: "CurrentRead", userAccessLevel: "CurrentRead", ...extra,
    });
  }

  // A variable that answers exactly this DataValue on every read. Each read gets a copy,
  // because node-opcua puts a missing source time into the object it is given.
  fixed(parent, name, dataType, dataValue, extra = {}) {
    const node = this.variable(parent, name, dataType, extra);
    node.bindVariable({ timestamped_get: () => dataValue.clone() }, true);
    return node;
  }
}

function currentValue(variant, statusCode = StatusCodes.Good) {
  return sample(variant, statusCode, BULK_TIME.getTime());
}

function addBulk(builder, count) {
  let parent;
  for (let index = 0; index < count; index += 1) {
    if (index % FOLDER_SIZE === 0) {
      parent = builder.folder(`Bulk${String(index / FOLDER_SIZE).padStart(3, "0")}`);
    }
    const name = `Bulk.${String(index).padStart(5, "0")}`;
    const node = builder.variable(parent, name, "Double");
    node.setValueFromSource(double(index * 0.5 + 0.25), StatusCodes.Good, BULK_TIME);
  }
}

// node-opcua keeps 64 bit integers as [high, low] words.
const words = (value) => {
  const bits = BigInt.asUintN(64, value);
  return [Number(bits >> 32n), Number(bits & 0xffffffffn)];
};

function preciseDate() {
  const date = new Date("2024-02-29T23:59:58.123Z");
  date.picoseconds = 4567 * TICK_PICOSECONDS;
  return date;
}

const SCALARS = [
  ["Boolean", true], ["SByte", -128], ["Byte", 255], ["Int16", -32768], ["UInt16", 65535],
  ["Int32", -2147483648], ["UInt32", 4294967295],
  ["Int64", words(-9223372036854775807n)], ["UInt64", words(2n ** 63n + 5n)],
  ["Float", 1.5], ["Double", 0.1], ["String", "Zähler größer ß 🌱"],
  ["DateTime", preciseDate()], ["ByteString", Buffer.from([0, 1, 2, 0xfe, 0xff])],
  ["Guid", "72962b91-fa75-4ae6-8d28-b404dc7daf63"],
  ["LocalizedText", { text: "Förderpumpe", locale: "de-DE" }],
  ["NodeId", coerceNodeId("ns=0;i=2258")],
];

const scalarOf = (name, value) =>
  new Variant({ dataType: DataType[name], arrayType: VariantArrayType.Scalar, value });

function addTypes(builder) {
  const parent = builder.folder("Type");
  for (const [name, value] of SCALARS) {
    builder.fixed(parent, `Type.${name}`, name, currentValue(scalarOf(name, value)));
  }
  const array = (name, dataType, value) => {
    const variant = new Variant({ dataType, arrayType: VariantArrayType.Array, value });
    builder.fixed(parent, name, DataType[dataType], currentValue(variant),
      { valueRank: 1, arrayDimensions: [0] });
  };
  array("Type.DoubleArray", DataType.Double, new Float64Array([1.5, -2.25, 1e300]));
  array("Type.Int32Array", DataType.Int32, new Int32Array([-1, 0, 2147483647]));
  array("Type.StringArray", DataType.String, ["eins", "zwei", "drei €"]);
  array("Type.EmptyArray", DataType.Double, new Float64Array(0));
  const matrix = new Variant({
    dataType: DataType.Double, arrayType: VariantArrayType.Matrix, dimensions: [2, 3],
    value: new Float64Array([1, 2, 3, 4, 5, 6]),
  });
  builder.fixed(parent, "Type.DoubleMatrix", "Double", currentValue(matrix),
    { valueRank: 2, arrayDimensions: [2, 3] });
  builder.fixed(parent, "Type.NullValue", "Double", currentValue(noValue()));
  builder.fixed(parent, "Type.NotANumber", "Double", currentValue(double(Number.NaN)));
  builder.fixed(parent, "Type.Infinity", "Double", currentValue(double(Number.NEGATIVE_INFINITY)));
}

function addStatuses(builder) {
  const parent = builder.folder("Status");
  const add = (name, variant, code) =>
    builder.fixed(parent, `Status.${name}`, "Double", currentValue(variant, code));
  add("Good", double(20.5), StatusCodes.Good);
  add("GoodClamped", double(21.5), StatusCodes.GoodClamped);
  add("GoodLocalOverride", double(22.5), StatusCodes.GoodLocalOverride);
  // Good with info bits set: the "calculated" bit a historian puts on aggregates.
  add("GoodCalculated", double(23.5), StatusCode.makeStatusCode(StatusCodes.Good, "HistorianCalculated"));
  add("Uncertain", double(55.5), StatusCodes.UncertainLastUsableValue);
  add("Bad", noValue(), StatusCodes.BadSensorFailure);
  add("BadWithValue", double(99.9), StatusCodes.BadDeviceFailure);
}

function addAnalog(builder) {
  const parent = builder.folder("Analog");
  const add = (name, range, unit, value) => {
    const node = builder.namespace.addAnalogDataItem({
      organizedBy: parent, browseName: name, nodeId: builder.id(name), dataType: "Double",
      engineeringUnitsRange: range, instrumentRange: { low: range.low - 10, high: range.high + 10 },
      engineeringUnits: unit, accessLevel: "CurrentRead", userAccessLevel: "CurrentRead",
    });
    node.setValueFromSource(double(value), StatusCodes.Good, BULK_TIME);
  };
  add("Analog.Temperature", { low: 0, high: 400 }, standardUnits.degree_celsius, 181.25);
  add("Analog.Flow", { low: 0, high: 120 }, standardUnits.cubic_metre_per_hour, 42.5);
}

function addTimes(builder) {
  const parent = builder.folder("Time");
  const at = (text) => new Date(text).getTime();
  const add = (name, value, dataValue) => {
    dataValue.value = double(value);
    builder.fixed(parent, `Time.${name}`, "Double", dataValue);
  };
  const variant = noValue();
  const good = StatusCodes.Good;
  const precise = sample(variant, good, BULK_TIME.getTime(),
    1234 * TICK_PICOSECONDS + 56_780, 4321 * TICK_PICOSECONDS + 87_650);
  add("Picoseconds", 1.25, precise);
  const noSource = currentValue(variant);
  noSource.sourceTimestamp = null;
  add("NoSource", 2.25, noSource);
  add("Old", 3.25, sample(variant, good, at("1601-01-02T03:04:05.006Z")));
  add("FarFuture", 4.25, sample(variant, good, at("9999-12-31T23:59:58.500Z")));
  add("Before1970", 5.25, sample(variant, good, at("1969-07-20T20:17:40.250Z")));
}

function addAccess(builder) {
  const parent = builder.folder("Access");
  const value = double(42);
  const add = (name, levels) => {
    const node = builder.variable(parent, `Access.${name}`, "Double", levels);
    node.setValueFromSource(value, StatusCodes.Good, BULK_TIME);
    return node;
  };
  add("WriteOnly", { accessLevel: "CurrentWrite", userAccessLevel: "CurrentWrite" });
  add("Writable", { accessLevel: "CurrentRead | CurrentWrite", userAccessLevel: "CurrentRead | CurrentWrite" });
  const denied = add("Denied", {});
  denied.checkPermissionPrivate = () => false;
}

function addHistory(builder) {
  const parent = builder.folder("History");
  for (const [shortName, dataType, samples] of historyTable()) {
    const node = builder.variable(parent, `History.${shortName}`, dataType, {
      accessLevel: "CurrentRead | HistoryRead", userAccessLevel: "CurrentRead | HistoryRead",
    });
    const last = samples.at(-1);
    if (last) node.bindVariable({ timestamped_get: () => last }, true);
    builder.addressSpace.installHistoricalDataNode(node, { historian: new FixedHistorian(samples) });
    if (dataType === "Double") {
      installAggregateConfigurationOptions(node, {
        stepped: shortName === "Steps", treatUncertainAsBad: shortName === "Steps",
      });
    }
  }
  addEdited(builder, parent);
  builder.fixed(parent, "Plain", "Double", currentValue(double(7.5)));
}

// What node-opcua leaves out: values at chosen times, and the record of modifications. Both are
// made up from the time asked for, so that a test can check them.
const EDITS = [[10, 2, "anna"], [20, 4, "bert"], [20, 2, "anna"], [30, 1, null]];

function addEdited(builder, parent) {
  const node = builder.variable(parent, "History.Edited", "Double", {
    accessLevel: "CurrentRead | HistoryRead", userAccessLevel: "CurrentRead | HistoryRead",
  });
  const samples = series(100, (i) => sample(double(i), StatusCodes.Good, second(i)));
  builder.addressSpace.installHistoricalDataNode(node, { historian: new FixedHistorian(samples) });
  const plain = node.historyRead.bind(node);
  const answer = (historyData) => new HistoryReadResult({ statusCode: StatusCodes.Good, historyData });
  node.historyRead = async (context, details, indexRange, encoding, continuation) => {
    if (details instanceof ReadAtTimeDetails) {
      const dataValues = details.reqTimes.map((time) => {
        const at = (time.getTime() - HISTORY_START) / 1000;
        return at < 0 || at > 99
          ? sample(noValue(), StatusCodes.BadNoData, time.getTime())
          : sample(double(at), Number.isInteger(at) ? StatusCodes.Good
            : StatusCode.makeStatusCode(StatusCodes.Good, "HistorianInterpolated"), time.getTime());
      });
      return answer(new HistoryData({ dataValues }));
    }
    if (details.isReadModified) {
      const within = EDITS.filter(([at]) => second(at) >= details.startTime.getTime()
        && second(at) <= details.endTime.getTime());
      return answer(new HistoryModifiedData({
        dataValues: within.map(([at], i) => sample(double(at + i / 10), StatusCodes.Good, second(at))),
        modificationInfos: within.map(([at, updateType, userName]) =>
          ({ modificationTime: new Date(second(at) + 86_400_000), updateType, userName })),
      }));
    }
    return plain(context, details, indexRange, encoding, continuation);
  };
}

function addDiscrete(builder) {
  const parent = builder.folder("Discrete");
  const { namespace } = builder;
  const type = namespace.addEnumerationType({
    browseName: "PumpState", enumeration: ["Off", "Running", "Fault"],
  });
  builder.fixed(parent, "Discrete.Pump", type.nodeId, currentValue(scalar(DataType.Int32, 1)));
  builder.fixed(parent, "Discrete.PumpUnknown", type.nodeId, currentValue(scalar(DataType.Int32, 7)));
  addStates(builder, parent, type);
  namespace.addMultiStateDiscrete({
    organizedBy: parent, browseName: "Discrete.Valve", nodeId: builder.id("Discrete.Valve"),
    enumStrings: ["closed", "moving", "öffen"], value: 2,
  });
  namespace.addMultiStateValueDiscrete({
    organizedBy: parent, browseName: "Discrete.Mode", nodeId: builder.id("Discrete.Mode"),
    dataType: "Int32", value: 30,
    enumValues: [{ displayName: "auto", value: 10 }, { displayName: "manual", value: 30 }],
  });
}

// A history of states: 0, 1, 2 and 7, which has no name, over and over; every tenth sample is bad.
function addStates(builder, parent, type) {
  const node = builder.variable(parent, "Discrete.PumpHistory", type.nodeId, {
    accessLevel: "CurrentRead | HistoryRead", userAccessLevel: "CurrentRead | HistoryRead",
  });
  const state = (index) => scalar(DataType.Int32, [0, 1, 2, 7][index % 4]);
  const samples = series(1_000, (index) => sample(state(index),
    index % 10 === 9 ? StatusCodes.BadSensorFailure : StatusCodes.Good, second(index)));
  node.bindVariable({ timestamped_get: () => samples.at(-1) }, true);
  builder.addressSpace.installHistoricalDataNode(node, { historian: new FixedHistorian(samples) });
}

// Two folders that hold each other, and a variable that both hold.
function addKnots(builder) {
  const [one, other] = [builder.folder("Knot1"), builder.folder("Knot2")];
  one.addReference({ referenceType: "Organizes", nodeId: other });
  other.addReference({ referenceType: "Organizes", nodeId: one });
  const shared = builder.variable(one, "Knot.Shared", "Double", { description: "held by both" });
  shared.setValueFromSource(double(1), StatusCodes.Good, BULK_TIME);
  other.addReference({ referenceType: "Organizes", nodeId: shared });
  const deep = builder.folder("Deep", one);
  builder.variable(deep, "Knot.Deep", "Int16").setValueFromSource(
    scalar(DataType.Int16, 5), StatusCodes.Good, BULK_TIME);
}

function addWide(builder, count) {
  if (!count) return;
  const parent = builder.folder("Wide");
  for (let index = 0; index < count; index += 1) {
    const node = builder.variable(parent, `Wide.${index}`, "Int32");
    node.setValueFromSource(scalar(DataType.Int32, index), StatusCodes.Good, BULK_TIME);
  }
}

// Steps all Bulk tags at once: their value is then the number of the step, and tells what was lost.
function addSteps(builder, period) {
  if (!period) return;
  const nodes = [];
  for (let index = 0; index < number("tags"); index += 1) {
    nodes.push(builder.addressSpace.findNode(builder.id(`Bulk.${String(index).padStart(5, "0")}`)));
  }
  let step = 0;
  setInterval(() => {
    step += 1;
    const now = new Date();
    for (const node of nodes) node.setValueFromSource(double(step), StatusCodes.Good, now);
  }, period).unref();
}

function addLive(builder, period) {
  const node = builder.variable(builder.folder("Live"), "Live.Counter", "UInt32");
  let count = 0;
  const advance = () => {
    node.setValueFromSource(scalar(DataType.UInt32, count), StatusCodes.Good, new Date());
    count += 1;
  };
  advance();
  return setInterval(advance, period);
}

// --- server ----------------------------------------------------------------------------

// node-opcua puts the configured port into its endpoint descriptions, so a kernel-chosen
// port has to be known before the server is made.
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}

// A certificate that ran out years ago; node-opcua itself does not mind.
async function expiredCertificate(pki) {
  const manager = new OPCUACertificateManager({ rootFolder: pki, disableFileWatchers: true });
  await manager.initialize();
  const certificateFile = join(pki, "expired.pem");
  await manager.createSelfSignedCertificate({
    applicationUri: "urn:greenlang:peer:server", subject: "/CN=expired", dns: ["localhost"], ip: [],
    outputFile: certificateFile, startDate: new Date("2020-01-01T00:00:00Z"), validity: 365,
  });
  await manager.dispose?.();
  return { certificateFile, privateKeyFile: manager.privateKey };
}

function makeServer(port, pki, users, certificate) {
  const some = (name, key) => (number(name) ? { [key]: number(name) } : {});
  return new OPCUAServer({
    ...certificate,
    userCertificateManager: new OPCUACertificateManager({
      rootFolder: join(pki, "users"), disableFileWatchers: true,
      automaticallyAcceptUnknownCertificate: !options["reject-user-certificates"],
    }),
    host: "127.0.0.1", hostname: "127.0.0.1", port, resourcePath: RESOURCE_PATH,
    alternateHostname: ["localhost", "127.0.0.1"],
    allowAnonymous: !options["no-anonymous"],
    userManager: { isValidUser: (name, password) => users[name] === password },
    securityPolicies: [
      SecurityPolicy.None, SecurityPolicy.Basic256Sha256,
      SecurityPolicy.Aes128_Sha256_RsaOaep, SecurityPolicy.Aes256_Sha256_RsaPss,
      SecurityPolicy.Basic256, ...(options.rsa15 ? [SecurityPolicy.Basic128Rsa15] : []),
    ],
    securityModes: [
      MessageSecurityMode.None, MessageSecurityMode.Sign, MessageSecurityMode.SignAndEncrypt,
    ],
    serverCertificateManager: new OPCUACertificateManager({
      rootFolder: pki, disableFileWatchers: true,
      automaticallyAcceptUnknownCertificate: !options["reject-unknown-certificates"],
    }),
    registerServerMethod: RegisterServerMethod.HIDDEN,
    maxConnectionsPerEndpoint: 200,
    serverInfo: { applicationUri: "urn:greenlang:peer:server", productUri: "urn:greenlang:peer" },
    serverCapabilities: {
      maxSessions: number("max-sessions"),
      ...some("max-monitored-items", "maxMonitoredItemsPerSubscription"),
      ...some("max-subscriptions", "maxSubscriptionsPerSession"),
      operationLimits: {
        maxNodesPerRead: number("max-nodes-per-read"),
        maxNodesPerBrowse: number("max-nodes-per-browse"),
        maxNodesPerTranslateBrowsePathsToNodeIds: number("max-nodes-per-translate"),
        maxNodesPerHistoryReadData: number("max-nodes-per-history"),
        maxMonitoredItemsPerCall: number("max-items-per-call"),
      },
    },
  });
}

// One JSON line per service request, written at once so that a test can read it at any time.
function installAudit(server, file) {
  const descriptor = openSync(file, "a");
  const listLength = (request, ...names) =>
    names.map((name) => request[name]?.length).find((length) => length !== undefined) ?? null;
  server.on("request", (request) => {
    const details = request.historyReadDetails;
    const line = {
      service: request.schema.name.replace(/Request$/, ""),
      nodes: listLength(request, "nodesToRead", "nodesToWrite", "nodesToBrowse", "methodsToCall",
        "itemsToCreate", "browsePaths", "continuationPoints", "nodesToAdd"),
      time: new Date().toISOString(),
    };
    if (details) {
      line.details = details.schema.name;
      line.valuesPerNode = details.numValuesPerNode ?? null;
      line.continued = (request.nodesToRead ?? []).filter((node) => node.continuationPoint?.length).length;
      line.released = Boolean(request.releaseContinuationPoints);
    }
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
  });
}

function fillAddressSpace(server) {
  const { addressSpace } = server.engine;
  addAggregateSupport(addressSpace, [
    AggregateFunction.Interpolative, AggregateFunction.Minimum, AggregateFunction.Maximum,
    AggregateFunction.Average, AggregateFunction.Count, AggregateFunction.PercentGood,
    AggregateFunction.PercentBad, AggregateFunction.DurationGood, AggregateFunction.DurationBad,
  ]);
  const builder = new Builder(addressSpace);
  addBulk(builder, number("tags"));
  addTypes(builder);
  addStatuses(builder);
  addAnalog(builder);
  addTimes(builder);
  addAccess(builder);
  addHistory(builder);
  addDiscrete(builder);
  addKnots(builder);
  addWide(builder, number("wide-folder"));
  addSteps(builder, number("step-period"));
  const timer = addLive(builder, number("live-period"));
  return { namespace: builder.namespace.index, timer };
}

// The process must end with its parent even when a session is open or a timer is running.
function installShutdown(server, timer, temporary) {
  let stopping = false;
  const leave = () => {
    if (temporary) rmSync(temporary, { recursive: true, force: true });
    process.exit(0);
  };
  const stop = () => {
    if (stopping) return;
    stopping = true;
    clearInterval(timer);
    setTimeout(leave, 1000);
    server.shutdown(50).then(leave, leave);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.stdin.on("end", stop);
  process.stdin.on("close", stop);
  process.stdin.resume();
}

async function main() {
  // Tests read stdout for the single ready line, so the library's own notes go elsewhere.
  console.log = console.error;
  const temporary = options.pki ? null : mkdtempSync(join(tmpdir(), "greenlang-peer-"));
  const port = number("port") || (await freePort());
  const pki = options.pki ?? temporary;
  const certificate = options["expired-certificate"] ? await expiredCertificate(pki) : {};
  const server = makeServer(port, pki, { operator: "secret-operator" }, certificate);
  await server.initialize();
  const { namespace, timer } = fillAddressSpace(server);
  if (options.audit) installAudit(server, options.audit);
  await server.start();
  installShutdown(server, timer, temporary);
  process.stdout.write(`${JSON.stringify({
    endpoint: `opc.tcp://127.0.0.1:${port}${RESOURCE_PATH}`, port, namespace,
    namespaceUri: NAMESPACE_URI, tags: number("tags"), history: number("history"),
    mixed: number("mixed"), pid: process.pid,
  })}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack ?? error}\n`);
  process.exit(1);
});
