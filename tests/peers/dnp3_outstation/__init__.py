"""A DNP3 outstation over TCP, written from IEEE 1815 alone, in a process of its own.

``python -m tests.peers.dnp3_outstation --help`` lists its options; ``launch_dnp3.start_dnp3``
starts it and ``launch_dnp3.Dnp3Peer`` steers it over its control port.  It holds what
``dnp3_truth`` says.  It reads, confirms, reports events and clears the restart indication; every
other request is refused, and all requests are written to the audit file.
"""
