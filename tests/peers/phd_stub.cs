// A stand-in for Honeywell's phdapinet.dll: the public names that programs use, over made data.
//
// It lets a gateway program, or a driver in this process, be tried without a licence.  Tags and
// values are those of historian_tags.py.  Behaviour comes from environment variables, which
// README.md lists.  Times go in and out as the server's local time, as the real library's do.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Data;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Threading;

namespace Uniformance.PHD
{
    public enum SERVERVERSION { API200 = 0, RAPI200 = 1 }
    public enum SAMPLETYPE { Snapshot, Average, Resampled, Raw, InterpolatedRaw }
    public enum REDUCTIONTYPE
    {
        None, Average, Delta, Minimum, Maximum, StandardDeviation, RegressionSlope,
        RegressionConstant, RegressionDeviation, First, Last
    }
    public enum REDUCTIONOFFSET { Before, Around, After }

    public class PHDErrorException : Exception
    {
        public PHDErrorException(int code, string message) : base(message) { ErrorNumber = code; }
        public int ErrorNumber { get; private set; }
    }

    public class PHDServer : IDisposable
    {
        public PHDServer() { Port = 3100; APIVersion = SERVERVERSION.RAPI200; }
        public PHDServer(string host) : this() { HostName = host; }
        public PHDServer(string host, SERVERVERSION version) : this(host)
        {
            APIVersion = version;
            Port = version == SERVERVERSION.API200 ? 3000 : 3100;
        }
        public string HostName { get; set; }
        public int Port { get; set; }
        public SERVERVERSION APIVersion { get; set; }
        public string UserName { get; set; }
        public string Password { get; set; }
        public string WindowsUsername { get; set; }
        public string WindowsPassword { get; set; }
        public void Dispose() { }
    }

    public class Tag
    {
        public Tag() { }
        public Tag(string name) { TagName = name; }
        public string TagName { get; set; }
        public string Name { get { return TagName; } set { TagName = value; } }
    }

    public class Tags : CollectionBase
    {
        public int Add(Tag tag) { return List.Add(tag); }
        public void RemoveAll() { List.Clear(); }
        public Tag this[int index] { get { return (Tag)List[index]; } }
    }

    public class TagFilter { public string Tagname { get; set; } }

    public struct TagListStruct { public string Tagname; public int Tagno; public string Description; public string Units; }

    struct Event
    {
        public DateTime Utc; public object Value; public short Confidence;
        public Event(DateTime utc, object value, short confidence) { Utc = utc; Value = value; Confidence = confidence; }
        public bool Good { get { return Confidence > 0 && Value is double; } }
        public double Number { get { return (double)Value; } }
    }

    // The same formulas as historian_tags.py, over the tags that PHD needs.
    static class Plant
    {
        public static readonly DateTime Start = new DateTime(2025, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        static readonly DateTime[] DstStarts = {
            new DateTime(2025, 3, 29, 22, 0, 0, DateTimeKind.Utc),
            new DateTime(2025, 10, 25, 22, 0, 0, DateTimeKind.Utc) };
        const int DstMinutes = 361, Bulk = 250;
        static readonly string[] Units = { "degC", "bar", "kg/h", "" };
        public static readonly Dictionary<string, int> Slots = Names();

        static Dictionary<string, int> Names()
        {
            var slots = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase) {
                { "Million", 1000000 }, { "Ramp", 525600 }, { "Mixed", 5000 }, { "Duplicates", 1000 },
                { "Confidence", 1010 }, { "Text", 1000 }, { "Dst", 2 * DstMinutes }, { "Empty", 0 }, { "Single", 1 } };
            for (int index = 0; index < Bulk; index++) slots["Bulk." + index.ToString("D5")] = 44640;
            return slots;
        }

        public static string Unit(string name)
        {
            if (name.StartsWith("Bulk.", StringComparison.OrdinalIgnoreCase)) return Units[int.Parse(name.Substring(5)) % 4];
            return name == "Million" ? "kg/h" : name == "Ramp" ? "degC" : name == "Mixed" ? "bar" : "";
        }

        public static string Description(string name)
        {
            return name.StartsWith("Bulk.") ? "Measurement " + int.Parse(name.Substring(5)) : name + " of the stub";
        }

        static DateTime Time(string name, int index)
        {
            if (name == "Dst") return DstStarts[index / DstMinutes].AddMinutes(index % DstMinutes);
            bool second = name == "Million" || name == "Duplicates";
            return Start.AddTicks(index * (second ? TimeSpan.TicksPerSecond : TimeSpan.TicksPerMinute));
        }

        static IEnumerable<Event> Slot(string name, int index)
        {
            DateTime utc = Time(name, index);
            switch (name)
            {
                case "Million": yield return new Event(utc, -3 + index * 0.001, 100); break;
                case "Mixed":
                    // A bad value comes with a number that looks good and no confidence.
                    if (index % 7 == 3) yield return new Event(utc, 246.0, 0);
                    else yield return new Event(utc, index % 7 == 5 ? 246.0 : index * 0.5 - 10, 100);
                    break;
                case "Confidence": yield return new Event(utc, (double)index, (short)(index % 101)); break;
                case "Text": yield return new Event(utc, "Zustand " + index % 5 + ": ä" + index, 100); break;
                case "Single": yield return new Event(utc, 42.5, 100); break;
                case "Dst": yield return new Event(utc, (double)index, 100); break;
                case "Ramp": yield return new Event(utc, index * 0.5, 100); break;
                case "Duplicates":
                    for (int place = 0; place < 1 + index % 3; place++) yield return new Event(utc, index * 10.0 + place, 100);
                    break;
                default: yield return new Event(utc, int.Parse(name.Substring(5)) + index * 0.25, 100); break;
            }
        }

        public static string Canonical(string name)
        {
            return Slots.Keys.FirstOrDefault(known => known.Equals(name, StringComparison.OrdinalIgnoreCase));
        }

        public static IEnumerable<Event> Between(string name, DateTime start, DateTime end)
        {
            int low = 0, high = Slots[name];
            while (low < high)
            {
                int middle = (low + high) / 2;
                if (Time(name, middle) < start) low = middle + 1; else high = middle;
            }
            for (int index = low; index < Slots[name] && Time(name, index) <= end; index++)
                foreach (Event found in Slot(name, index)) yield return found;
        }

        public static Event? NotAfter(string name, DateTime utc)
        {
            for (int days = 1; days <= 1 << 12; days *= 8)
            {
                var found = Between(name, utc.AddDays(-days), utc).ToList();
                if (found.Count > 0) return found[found.Count - 1];
            }
            return null;
        }
    }

    public class PHDHistorian : IDisposable
    {
        static readonly object LogLock = new object();
        static readonly Regex Relative = new Regex(@"^NOW(?:-(\d+)([SMHD]))?$", RegexOptions.IgnoreCase);
        static readonly string[] Forms = {
            "M/d/yyyy H:mm:ss", "M/d/yyyy H:mm:ss.fff", "yyyy-MM-dd HH:mm:ss", "yyyy-MM-dd HH:mm:ss.fff",
            "dd-MMM-yy HH:mm:ss", "dd-MMM-yyyy HH:mm:ss", "M/d/yyyy" };

        public PHDHistorian()
        {
            StartTime = "NOW-1H"; EndTime = "NOW"; Sampletype = SAMPLETYPE.Raw; SampleFrequency = 60;
            ReductionType = REDUCTIONTYPE.None; ReductionOffset = REDUCTIONOFFSET.Around;
        }

        public PHDServer DefaultServer { get; set; }
        public string StartTime { get; set; }
        public string EndTime { get; set; }
        public SAMPLETYPE Sampletype { get; set; }
        public uint SampleFrequency { get; set; }
        public REDUCTIONTYPE ReductionType { get; set; }
        public uint ReductionFrequency { get; set; }
        public REDUCTIONOFFSET ReductionOffset { get; set; }
        public short MinimumConfidence { get; set; }
        public uint MaximumRows { get; set; }

        public void FetchData(Tag tag, ref double[] timestamps, ref double[] values, ref short[] confidences)
        {
            Enter("FetchData", tag.TagName);
            string name = Known(tag.TagName);
            var found = Rows(name).ToArray();
            timestamps = Array.ConvertAll(found, entry => Local(entry.Utc, false).ToOADate());
            values = Array.ConvertAll(found, entry => entry.Value is double ? entry.Number : 0.0);
            confidences = Array.ConvertAll(found, entry => entry.Confidence);
        }

        public DataSet FetchRowData(Tags tags) { return FetchRowData(tags, false); }

        public DataSet FetchRowData(Tags tags, bool DSTCompensation)
        {
            Enter("FetchRowData", tags.Cast<Tag>().Select(tag => tag.TagName).ToArray());
            bool fractions = Setting("CONFIDENCE_ADDS", "") != "";
            DataTable table = NewTable("TagName:s", "HostName:s", "TimeStamp:t", "Value:o", fractions ? "Confidence:d" : "Confidence:i", "Units:s");
            string host = DefaultServer == null ? "" : DefaultServer.HostName;
            foreach (Tag tag in tags)
            {
                if (tag.TagName == Setting("BREAKS", "")) throw new InvalidCastException("The archive holds what it should not.");
                string name = Plant.Canonical(tag.TagName);
                var found = name == null ? new List<Event>() : Rows(name).ToList();
                // A tag that there is not, or that has nothing, leaves one row without values.
                if (found.Count == 0) table.Rows.Add(tag.TagName, host, DBNull.Value, DBNull.Value, DBNull.Value, DBNull.Value);
                foreach (Event entry in found)
                    table.Rows.Add(tag.TagName, host, Local(entry.Utc, DSTCompensation), entry.Value, Confidence(entry), Plant.Unit(name));
            }
            return Wrapped(table);
        }

        static object Confidence(Event entry)
        {
            string more = Setting("CONFIDENCE_ADDS", "");
            return more == "" ? (object)(int)entry.Confidence : entry.Confidence + double.Parse(more, CultureInfo.InvariantCulture);
        }

        public DataSet BrowsingTags(uint most, TagFilter filter)
        {
            Enter("BrowsingTags", filter.Tagname);
            DataTable table = NewTable("TagName:s", "TagNo:i", "Description:s", "Units:s");
            foreach (TagListStruct found in Browse(most, filter)) table.Rows.Add(found.Tagname, found.Tagno, found.Description, found.Units);
            return Wrapped(table);
        }

        public ArrayList BrowsingTagsList(uint most, TagFilter filter)
        {
            Enter("BrowsingTagsList", filter.Tagname);
            return new ArrayList(Browse(most, filter).ToArray());
        }

        public DataSet TagDfn(Tags tags)
        {
            Enter("TagDfn", tags.Cast<Tag>().Select(tag => tag.TagName).ToArray());
            DataTable table = NewTable("TagName:s", "TagNo:i", "Description:s", "Units:s");
            foreach (Tag tag in tags)
            {
                string name = Plant.Canonical(tag.TagName);
                if (name != null) table.Rows.Add(name, Plant.Slots.Keys.ToList().IndexOf(name) + 1, Plant.Description(name), Plant.Unit(name));
            }
            return Wrapped(table);
        }

        // Nothing here is ever to be written; the log shows who tried.
        public void PutData(Tag tag, double value, DateTime time, sbyte confidence, string units)
        {
            Enter("PutData", tag.TagName);
            throw new PHDErrorException(-8, "Writing is denied.");
        }

        public void Dispose() { }

        IEnumerable<TagListStruct> Browse(uint most, TagFilter filter)
        {
            string mask = string.IsNullOrEmpty(filter.Tagname) ? "*" : filter.Tagname;
            var pattern = new Regex("^" + Regex.Escape(mask).Replace("\\*", ".*").Replace("\\?", ".") + "$", RegexOptions.IgnoreCase);
            var all = Plant.Slots.Keys.Select((name, index) => new TagListStruct {
                Tagname = name, Tagno = index + 1, Description = Plant.Description(name), Units = Plant.Unit(name) });
            var found = all.Where(entry => pattern.IsMatch(entry.Tagname));
            return most == 0 ? found : found.Take((int)most);
        }

        IEnumerable<Event> Rows(string name)
        {
            DateTime start = Parse(StartTime), end = Parse(EndTime);
            IEnumerable<Event> found;
            if (start == end) found = new[] { Plant.NotAfter(name, start) }.Where(entry => entry.HasValue).Select(entry => entry.Value);
            else if (ReductionType != REDUCTIONTYPE.None) found = Reduced(name, start, end);
            else if (Sampletype == SAMPLETYPE.Raw || Sampletype == SAMPLETYPE.InterpolatedRaw) found = Plant.Between(name, start, end);
            else found = Sampled(name, start, end);
            found = found.Where(entry => entry.Confidence >= MinimumConfidence);
            return MaximumRows == 0 ? found : found.Take((int)MaximumRows);
        }

        IEnumerable<Event> Sampled(string name, DateTime start, DateTime end)
        {
            for (DateTime time = start; time <= end; time = time.AddSeconds(SampleFrequency))
            {
                if (Sampletype == SAMPLETYPE.Average)
                {
                    var inside = Inside(name, time, time.AddSeconds(SampleFrequency));
                    yield return inside.Count == 0 ? new Event(time, 0.0, 0) : new Event(time, inside.Average(entry => entry.Number), 100);
                    continue;
                }
                Event? held = Plant.NotAfter(name, time);
                yield return held.HasValue ? new Event(time, held.Value.Value, held.Value.Confidence) : new Event(time, 0.0, 0);
            }
        }

        static List<Event> Inside(string name, DateTime start, DateTime end)
        {
            return Plant.Between(name, start, end.AddTicks(-1)).Where(entry => entry.Good).ToList();
        }

        IEnumerable<Event> Reduced(string name, DateTime start, DateTime end)
        {
            uint seconds = ReductionFrequency == 0 ? (uint)(end - start).TotalSeconds : ReductionFrequency;
            for (DateTime time = start; time < end; time = time.AddSeconds(seconds))
            {
                var inside = Inside(name, time, time.AddSeconds(seconds) < end ? time.AddSeconds(seconds) : end);
                yield return inside.Count == 0 ? new Event(time, 0.0, 0) : new Event(time, Reduce(inside), 100);
            }
        }

        double Reduce(List<Event> inside)
        {
            var numbers = inside.Select(entry => entry.Number).ToList();
            double mean = numbers.Average();
            switch (ReductionType)
            {
                case REDUCTIONTYPE.Average: return mean;
                case REDUCTIONTYPE.Delta: return numbers[numbers.Count - 1] - numbers[0];
                case REDUCTIONTYPE.Minimum: return numbers.Min();
                case REDUCTIONTYPE.Maximum: return numbers.Max();
                case REDUCTIONTYPE.First: return numbers[0];
                case REDUCTIONTYPE.Last: return numbers[numbers.Count - 1];
                case REDUCTIONTYPE.StandardDeviation:
                    return numbers.Count < 2 ? 0.0 : Math.Sqrt(numbers.Sum(number => (number - mean) * (number - mean)) / (numbers.Count - 1));
                default: throw new PHDErrorException(-1, "The stub has no regressions.");
            }
        }

        static string Known(string name)
        {
            string found = Plant.Canonical(name);
            if (found == null) throw new PHDErrorException(-14, "Tag " + name + " is not defined.");
            return found;
        }

        static string Setting(string name, string otherwise)
        {
            string text = Environment.GetEnvironmentVariable("PHD_STUB_" + name);
            return string.IsNullOrEmpty(text) ? otherwise : text;
        }

        static TimeZoneInfo Zone { get { return TimeZoneInfo.FindSystemTimeZoneById(Setting("ZONE", "Europe/Berlin")); } }

        static DateTime Local(DateTime utc, bool standardOnly)
        {
            if (standardOnly) return DateTime.SpecifyKind(utc + Zone.BaseUtcOffset, DateTimeKind.Unspecified);
            return TimeZoneInfo.ConvertTimeFromUtc(utc, Zone);
        }

        static DateTime Parse(string text)
        {
            Match match = Relative.Match(text.Trim());
            if (match.Success)
            {
                DateTime now = DateTime.Parse(Setting("NOW", "2025-02-01T00:00:00Z"), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal);
                if (!match.Groups[1].Success) return now;
                int[] seconds = { 1, 60, 3600, 86400 };
                return now.AddSeconds(-int.Parse(match.Groups[1].Value) * seconds["SMHD".IndexOf(char.ToUpperInvariant(match.Groups[2].Value[0]))]);
            }
            DateTime local;
            if (!DateTime.TryParseExact(text.Trim(), Forms, CultureInfo.InvariantCulture, DateTimeStyles.None, out local))
                throw new PHDErrorException(-27, "Time " + text + " cannot be read.");
            if (Zone.IsInvalidTime(local)) throw new PHDErrorException(-27, "Time " + text + " does not exist.");
            return TimeZoneInfo.ConvertTimeToUtc(local, Zone);
        }

        void Enter(string call, params string[] names)
        {
            string log = Setting("LOG", "");
            if (log != "")
            {
                string server = DefaultServer == null ? "" : DefaultServer.HostName + ":" + DefaultServer.Port + ":" + DefaultServer.APIVersion;
                string line = string.Join("\t", new[] { call, string.Join(";", names), StartTime, EndTime, Sampletype.ToString(), ReductionType.ToString(), server });
                lock (LogLock) File.AppendAllText(log, line + "\n");
            }
            Thread.Sleep(int.Parse(Setting("DELAY_MILLISECONDS", "0")));
            if (DefaultServer == null || string.IsNullOrEmpty(DefaultServer.HostName)) throw new PHDErrorException(-3, "There is no server.");
            string fault = Setting("FAULT", "");
            if (fault != "") throw new PHDErrorException(-1, fault);
        }

        static DataTable NewTable(params string[] columns)
        {
            var table = new DataTable("PHD");
            var types = new Dictionary<string, Type> { { "s", typeof(string) }, { "i", typeof(int) }, { "d", typeof(double) }, { "t", typeof(DateTime) }, { "o", typeof(object) } };
            foreach (string column in columns)
            {
                string[] parts = column.Split(':');
                table.Columns.Add(parts[0], types[parts[1]]);
            }
            return table;
        }

        static DataSet Wrapped(DataTable table)
        {
            var set = new DataSet();
            set.Tables.Add(table);
            return set;
        }
    }
}
