// Prints what a program that was written for Honeywell's library reads from the stand-in.
using System;
using System.Data;
using System.Globalization;
using Uniformance.PHD;

static class Probe
{
    static int Main(string[] words)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        using (var historian = new PHDHistorian())
        using (var server = new PHDServer("phd.example", SERVERVERSION.RAPI200))
        {
            historian.DefaultServer = server;
            historian.StartTime = words[1];
            historian.EndTime = words[2];
            historian.Sampletype = SAMPLETYPE.Raw;
            historian.ReductionType = (REDUCTIONTYPE)Enum.Parse(typeof(REDUCTIONTYPE), words[3]);
            try { Show(historian, words[0].Split(',')); }
            catch (PHDErrorException error) { Console.WriteLine("error {0}", error.ErrorNumber); }
            return 0;
        }
    }

    static void Show(PHDHistorian historian, string[] names)
    {
        if (names.Length == 1)
        {
            double[] times = null, values = null;
            short[] confidences = null;
            historian.FetchData(new Tag(names[0]), ref times, ref values, ref confidences);
            for (int row = 0; row < times.Length; row++)
                Console.WriteLine("{0:s} {1:R} {2}", DateTime.FromOADate(times[row]), values[row], confidences[row]);
            return;
        }
        var tags = new Tags();
        foreach (string name in names) tags.Add(new Tag(name));
        foreach (DataRow row in historian.FetchRowData(tags).Tables[0].Rows)
            Console.WriteLine("{0}|{1}|{2:s}|{3}|{4}|{5}", row["TagName"], row["HostName"], row["TimeStamp"], row["Value"], row["Confidence"], row["Units"]);
    }
}
