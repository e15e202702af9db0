// Gives a Honeywell Uniformance PHD an HTTP face that only reads; greenlang_data speaks to it.
//
// Compile it on a Windows machine that has PHD's API, with the compiler that Windows brings
// (add /platform:x86 where phdapinet.dll is a 32-bit one), and run it there:
//
//   csc /reference:phdapinet.dll phd_gateway.cs
//   phd_gateway --host PHDSERVER --listen http://localhost:8088/
//
// Options: --host, --phd-port 3100, --api RAPI200|API200, --listen PREFIX or --port N (this machine
// only), --rows N (samples in one answer), --wait SECONDS (for a turn at PHD, before a request is
// refused), --zone ID (the PHD server's, if not this machine's), --times standard|utc (what
// FetchRowData tells with DSTCompensation), --format TEXT (how StartTime is written). From the environment: GREENLANG_PHD_TOKEN (what a client has to send; needed
// unless only this machine can reach it), PHD_USER, PHD_PASSWORD. The contract is in driver.py beside it.
using System;
using System.Collections.Generic;
using System.Data;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using Uniformance.PHD;

static class PhdGateway
{
    const int Version = 1;
    const int MostRequests = 100;
    const long MicrosecondTicks = 10;
    static readonly DateTime Epoch = new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc);
    // What PHD is asked at once. Whoever waits longer has given up, and is not to be worked for.
    static readonly SemaphoreSlim Slots = new SemaphoreSlim(4);
    static int requests;
    static readonly Dictionary<string, string> Options = new Dictionary<string, string> {
        { "host", "" }, { "phd-port", "" }, { "api", "RAPI200" }, { "listen", "" }, { "port", "8088" },
        { "rows", "100000" }, { "wait", "10" }, { "zone", "" }, { "times", "standard" }, { "format", "M/d/yyyy H:mm:ss" } };
    // A day and more is left for what the time zone makes of them.
    static readonly long Earliest = (new DateTime(2, 1, 1).Ticks - Epoch.Ticks) / MicrosecondTicks;
    static readonly long Latest = (new DateTime(9998, 12, 31).Ticks - Epoch.Ticks) / MicrosecondTicks;
    static TimeZoneInfo Zone;
    static int Limit, Patience;
    static string Token;

    struct Sample { public long Time; public object Value; public int Confidence; }

    class RefusedException : Exception
    {
        public RefusedException(int status, string message) : base(message) { Status = status; }
        public readonly int Status;
    }

    static int Main(string[] words)
    {
        CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        for (int place = 0; place + 1 < words.Length; place += 2)
        {
            string name = words[place].TrimStart('-');
            if (!Options.ContainsKey(name)) { Console.Error.WriteLine("There is no option --{0}.", name); return 2; }
            Options[name] = words[place + 1];
        }
        if (Options["host"] == "") { Console.Error.WriteLine("Say which PHD server: --host NAME."); return 2; }
        Zone = Options["zone"] == "" ? TimeZoneInfo.Local : TimeZoneInfo.FindSystemTimeZoneById(Options["zone"]);
        if (!int.TryParse(Options["rows"], out Limit) || Limit < 1) { Console.Error.WriteLine("--rows is no number of samples."); return 2; }
        if (!int.TryParse(Options["wait"], out Patience) || Patience < 0) { Console.Error.WriteLine("--wait is no number of seconds."); return 2; }
        Token = Environment.GetEnvironmentVariable("GREENLANG_PHD_TOKEN");
        string port = Options["port"] == "0" ? FreePort() : Options["port"];
        string prefix = Options["listen"] != "" ? Options["listen"] : "http://127.0.0.1:" + port + "/";
        string host = new Uri(prefix.Replace("+", "any").Replace("*", "any")).Host;
        if (string.IsNullOrEmpty(Token) && host != "127.0.0.1" && host != "localhost")
        {
            Console.Error.WriteLine("Others can reach {0}: set GREENLANG_PHD_TOKEN.", prefix);
            return 2;
        }
        var listener = new HttpListener();
        listener.Prefixes.Add(prefix);
        listener.Start();
        Console.WriteLine("{{\"gateway\":\"greenlang-phd\",\"port\":{0}}}", new Uri(prefix.Replace("+", "any").Replace("*", "any")).Port);
        while (true)
        {
            HttpListenerContext context;
            try { context = listener.GetContext(); }
            catch (HttpListenerException) // a client that had gone again
            {
                if (!listener.IsListening) return 1;
                continue;
            }
            // Not the pool's threads, of which few would be left while many requests wait.
            if (Interlocked.Increment(ref requests) <= MostRequests) new Thread(() => Serve(context)) { IsBackground = true }.Start();
            else ThreadPool.QueueUserWorkItem(_ => Send(context, 503, Error("There are too many requests at once.")));
        }
    }

    static string FreePort()
    {
        var socket = new TcpListener(IPAddress.Loopback, 0);
        socket.Start();
        int port = ((IPEndPoint)socket.LocalEndpoint).Port;
        socket.Stop();
        return port.ToString();
    }

    static void Serve(HttpListenerContext context)
    {
        int status = 200;
        string body;
        try { body = Answer(context.Request); }
        catch (RefusedException error) { status = error.Status; body = Error(error.Message); }
        catch (PHDErrorException error) { status = 502; body = Error("PHD: " + error.Message + " (" + error.ErrorNumber + ")"); }
        catch (Exception error) { status = 500; body = Error(error.GetType().Name + ": " + error.Message); }
        Send(context, status, body);
    }

    static void Send(HttpListenerContext context, int status, string body)
    {
        try
        {
            byte[] bytes = new UTF8Encoding(false).GetBytes(body);
            context.Response.StatusCode = status;
            context.Response.ContentType = "application/json";
            if (status == 401) context.Response.AddHeader("WWW-Authenticate", "Bearer");
            if (status == 503) context.Response.AddHeader("Retry-After", "5");
            context.Response.ContentLength64 = bytes.Length;
            context.Response.OutputStream.Write(bytes, 0, bytes.Length);
            context.Response.Close();
        }
        catch (Exception) { context.Response.Abort(); } // the client has gone, which is its own affair
        finally { Interlocked.Decrement(ref requests); }
    }

    static string Error(string message) { return "{\"error\":" + Quoted(message) + "}"; }

    static string Answer(HttpListenerRequest request)
    {
        if (!string.IsNullOrEmpty(Token) && !Same(request.Headers["Authorization"], "Bearer " + Token))
            throw new RefusedException(401, "The token is missing or wrong.");
        if (request.HttpMethod != "GET") throw new RefusedException(405, "Only GET is answered.");
        string what = request.Url.AbsolutePath.TrimEnd('/').Split('/').Last();
        if (what == "about") return "{\"gateway\":\"greenlang-phd\",\"version\":" + Version + ",\"host\":" + Quoted(Options["host"]) + "}";
        if (!Slots.Wait(TimeSpan.FromSeconds(Patience))) throw new RefusedException(503, "PHD is busy with other requests.");
        try { return FromPhd(what, request); }
        finally { Slots.Release(); }
    }

    static string FromPhd(string what, HttpListenerRequest request)
    {
        string[] tags = Values(request, "tag");
        switch (what)
        {
            case "tags":
                return Browse(Values(request, "filter").FirstOrDefault() ?? "*");
            case "snapshot":
                return Several(tags, tag => One(Fetch(tag, "NOW", "NOW", SAMPLETYPE.Snapshot).ToList(), -1));
            case "raw":
                long start = Time(request, "start"), end = Time(request, "end");
                if (end < start) throw new RefusedException(400, "end is before start.");
                int told = 0;
                return Several(tags, tag =>
                {
                    // However many tags there are, the answer stays as long as for one.
                    if (told >= Limit) return One(new List<Sample>(), start);
                    long next;
                    List<Sample> samples = Raw(tag, start, end, out next);
                    told += samples.Count;
                    return One(samples, next);
                });
            default:
                throw new RefusedException(404, "There is about, tags, snapshot and raw.");
        }
    }

    static bool Same(string given, string wanted)
    {
        if (given == null || given.Length != wanted.Length) return false;
        int difference = 0;
        for (int place = 0; place < given.Length; place++) difference |= given[place] ^ wanted[place];
        return difference == 0;
    }

    // Not QueryString, which takes a tag's own comma for a separator and guesses the encoding.
    static string[] Values(HttpListenerRequest request, string name)
    {
        return request.Url.Query.TrimStart('?').Split('&').Where(part => part.StartsWith(name + "="))
            .Select(part => Uri.UnescapeDataString(part.Substring(name.Length + 1).Replace('+', ' '))).ToArray();
    }

    static long Time(HttpListenerRequest request, string name)
    {
        long time;
        if (!long.TryParse(Values(request, name).FirstOrDefault(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out time))
            throw new RefusedException(400, name + " is needed, in microseconds since 1970 UTC.");
        if (time < Earliest || time > Latest) throw new RefusedException(400, name + " is beyond the years from 2 to 9998.");
        return time;
    }

    // --- PHD ---------------------------------------------------------------------------------

    static T Ask<T>(Func<PHDHistorian, T> question)
    {
        using (var historian = new PHDHistorian())
        using (var server = new PHDServer(Options["host"], (SERVERVERSION)Enum.Parse(typeof(SERVERVERSION), Options["api"])))
        {
            if (Options["phd-port"] != "") server.Port = int.Parse(Options["phd-port"]);
            string user = Environment.GetEnvironmentVariable("PHD_USER");
            if (!string.IsNullOrEmpty(user))
            {
                server.UserName = user;
                server.Password = Environment.GetEnvironmentVariable("PHD_PASSWORD");
            }
            historian.DefaultServer = server;
            return question(historian);
        }
    }

    static Tags TagsOf(params string[] names)
    {
        var tags = new Tags();
        foreach (string name in names) tags.Add(new Tag(name));
        return tags;
    }

    static string Browse(string filter)
    {
        DataTable table = Ask(historian => historian.BrowsingTags(0, new TagFilter { Tagname = filter })).Tables[0];
        var found = table.Rows.Cast<DataRow>().Select(row =>
            "{\"name\":" + Quoted(row["TagName"].ToString()) + ",\"description\":" + Quoted(Text(row, "Description")) + ",\"unit\":" + Quoted(Text(row, "Units")) + "}");
        return "{\"tags\":[" + string.Join(",", found) + "]}";
    }

    static string Text(DataRow row, string column)
    {
        return row.Table.Columns.Contains(column) && !row.IsNull(column) ? row[column].ToString() : "";
    }

    // One bad tag does not lose the others; what fails for all of them fails the whole answer.
    static string Several(string[] tags, Func<string, string> one)
    {
        if (tags.Length == 0) throw new RefusedException(400, "Name at least one tag.");
        var units = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (DataRow row in Ask(historian => historian.TagDfn(TagsOf(tags))).Tables[0].Rows)
            units[row["TagName"].ToString()] = Text(row, "Units");
        var series = new List<string>();
        foreach (string tag in tags)
        {
            string about = "\"tag\":" + Quoted(tag), unit;
            if (!units.TryGetValue(tag, out unit))
            {
                series.Add("{" + about + ",\"failure\":\"unknown tag: PHD has no definition of it\"}");
                continue;
            }
            try { series.Add("{" + about + ",\"unit\":" + Quoted(unit) + "," + one(tag) + "}"); }
            catch (PHDErrorException error) { series.Add("{" + about + ",\"failure\":" + Quoted(error.Message + " (" + error.ErrorNumber + ")") + "}"); }
            catch (Exception error) { series.Add("{" + about + ",\"failure\":" + Quoted(error.GetType().Name + ": " + error.Message) + "}"); }
        }
        return "{\"series\":[" + string.Join(",", series) + "]}";
    }

    static IEnumerable<Sample> Fetch(string tag, string start, string end, SAMPLETYPE kind)
    {
        DataTable table = Ask(historian =>
        {
            historian.StartTime = start;
            historian.EndTime = end;
            historian.Sampletype = kind;
            historian.ReductionType = REDUCTIONTYPE.None;
            historian.MinimumConfidence = 0;
            historian.MaximumRows = (uint)Limit + 1;
            // Without the compensation the hour that comes twice cannot be told apart.
            return historian.FetchRowData(TagsOf(tag), true);
        }).Tables[0];
        foreach (DataRow row in table.Rows)
        {
            if (row.IsNull("TimeStamp")) continue; // the row of a tag that has nothing
            DateTime told = (DateTime)row["TimeStamp"];
            DateTime utc = Options["times"] == "utc" ? told : told - Zone.BaseUtcOffset;
            yield return new Sample {
                Time = (utc.Ticks - Epoch.Ticks) / MicrosecondTicks, Value = row["Value"],
                Confidence = row.IsNull("Confidence") ? 0 : (int)Math.Floor(Convert.ToDouble(row["Confidence"])) };
        }
    }

    // Local time for a window that may be wider than asked, and is never narrower: it is cut later.
    static string Local(long time, bool isStart)
    {
        DateTime utc = Epoch.AddTicks(time * MicrosecondTicks);
        utc = utc.AddTicks(-(utc.Ticks % TimeSpan.TicksPerSecond));
        DateTime local = TimeZoneInfo.ConvertTimeFromUtc(isStart ? utc : utc.AddSeconds(1), Zone);
        // Which of the two hours is meant could not be written.
        if (Zone.IsAmbiguousTime(local)) local = local.AddHours(isStart ? -1 : 1);
        return local.ToString(Options["format"], CultureInfo.InvariantCulture);
    }

    // Samples with start <= time < end. A server that ends an answer early does not say so; so it is
    // asked again from the last time stamp until nothing new comes.
    static List<Sample> Raw(string tag, long start, long end, out long next)
    {
        var samples = new List<Sample>();
        long from = start;
        next = -1;
        while (true)
        {
            var found = Fetch(tag, Local(from, true), Local(end, false), SAMPLETYPE.Raw).ToList();
            bool full = found.Count > Limit;
            for (int place = 1; place < found.Count; place++)
                if (found[place].Time < found[place - 1].Time) throw new PHDErrorException(0, "its samples are out of order");
            long last = found.Count == 0 ? from : found[found.Count - 1].Time;
            found = found.Where(sample => sample.Time >= from && sample.Time < end).ToList();
            int kept = samples.FindIndex(sample => sample.Time >= from), before = kept < 0 ? 0 : samples.Count - kept;
            if (kept >= 0) samples.RemoveRange(kept, before);
            samples.AddRange(found);
            if (full && last <= from) throw new PHDErrorException(0, "more samples about one instant than are read at once; start the gateway with more --rows");
            if (found.Count == 0 || last >= end || (last == from && found.Count <= before)) break;
            from = last;
            if (samples.Count < Limit) continue;
            samples.RemoveAll(sample => sample.Time == last);
            if (samples.Count == 0) throw new PHDErrorException(0, "more samples at one instant than are told at once; start the gateway with more --rows");
            next = last;
            break;
        }
        return samples;
    }

    // --- JSON --------------------------------------------------------------------------------

    static string One(List<Sample> samples, long next)
    {
        var text = new StringBuilder("\"next\":" + (next < 0 ? "null" : next.ToString()) + ",\"times\":[");
        Join(text, samples, sample => sample.Time.ToString());
        text.Append("],\"values\":[");
        Join(text, samples, sample => Json(sample.Value));
        text.Append("],\"confidence\":[");
        Join(text, samples, sample => sample.Confidence.ToString());
        return text.Append("]").ToString();
    }

    static void Join(StringBuilder text, List<Sample> samples, Func<Sample, string> one)
    {
        for (int place = 0; place < samples.Count; place++)
        {
            if (place > 0) text.Append(',');
            text.Append(one(samples[place]));
        }
    }

    static string Json(object value)
    {
        if (value == null || value is DBNull) return "null";
        if (value is double || value is float)
        {
            double number = Convert.ToDouble(value);
            if (double.IsNaN(number) || double.IsInfinity(number)) return "null";
            // Not "R", which on 64-bit .NET Framework may be another number.
            return value is float ? ((float)value).ToString("G9") : number.ToString("G17");
        }
        if (value is bool) return (bool)value ? "true" : "false";
        if (value is sbyte || value is byte || value is short || value is ushort || value is int || value is uint || value is long || value is ulong)
            return Convert.ToString(value, CultureInfo.InvariantCulture);
        return Quoted(Convert.ToString(value, CultureInfo.InvariantCulture));
    }

    static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char letter in text)
        {
            if (letter == '"' || letter == '\\') quoted.Append('\\').Append(letter);
            else if (letter < ' ' || char.IsSurrogate(letter)) quoted.AppendFormat("\\u{0:x4}", (int)letter);
            else quoted.Append(letter);
        }
        return quoted.Append('"').ToString();
    }
}
