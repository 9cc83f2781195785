"""One host in detail: the alerts on hosts (rules.d/node_alerts.yml) lead here."""

from grafana_foundation_sdk.models import units

from dashboards.hosts import (
    CPU,
    DISKS,
    FILE_SYSTEMS,
    IN_JOBS,
    JOBS,
    LOAD,
    MEMORY,
    NETWORK,
    SPACE,
)
from dashboards.model import (
    ANY,
    ENVIRONMENT,
    PLACE,
    REGION,
    Dashboard,
    Limits,
    Query,
    Row,
    graph,
    instance,
    job,
    stat,
    table,
)

SCOPE = f'{PLACE}, job=~"$job", instance="$instance"'
ON_DISK = 'SCOPE, fstype=~"xfs|ext[234]|btrfs|vfat"'
PHYSICAL = 'SCOPE, device!~"lo|veth.+|docker.+|br-.+|ifb.+|cni.+"'
MOUNTED = "by (mountpoint, device, fstype)"

NOW = Row(
    "Now",
    (
        stat(
            "Up",
            "Whether Prometheus can scrape the host.",
            units.BoolYesNo,
            Query("up{SCOPE}"),
            limits=Limits(warning=ANY, below=True),
            alerts=("NodeDown",),
            width=3,
        ),
        stat(
            "Runs since",
            "Time since the host was started.",
            units.DurationSeconds,
            Query("time() - node_boot_time_seconds{SCOPE}"),
            width=3,
        ),
        stat(
            "CPUs",
            "Its number of CPUs.",
            units.Short,
            Query("instance:node_num_cpu:sum{SCOPE}"),
            width=3,
        ),
        stat(
            "Memory",
            "How much it has.",
            units.BytesIEC,
            Query("node_memory_MemTotal_bytes{SCOPE}"),
            width=3,
        ),
        stat(
            "CPU in use",
            "Time stolen or spent waiting for a disk is not use.",
            units.PercentUnit,
            Query("instance:node_cpu_utilisation:rate5m{SCOPE}"),
            limits=CPU,
            width=3,
        ),
        stat(
            "Memory in use",
            "What cannot be reclaimed.",
            units.PercentUnit,
            Query("instance:node_memory_utilisation:ratio{SCOPE}"),
            limits=MEMORY,
            width=3,
        ),
        stat(
            "Least space left",
            "On the fullest of its file systems.",
            units.PercentUnit,
            Query(
                "min(instance_mountpoint:node_filesystem_avail:ratio{SCOPE})", needs=FILE_SYSTEMS
            ),
            limits=SPACE,
            width=3,
        ),
        stat(
            "Alerts that fire",
            "On this host, whatever the severity.",
            units.Short,
            Query('count(ALERTS{SCOPE, alertstate="firing"}) or vector(0)'),
            limits=Limits(warning=ANY),
            width=3,
        ),
        table(
            "Identity",
            "What the host is. Session Manager wants the instance's id.",
            units.Short,
            {
                "instance": "Host",
                "instance_id": "Id",
                "instance_type": "Type",
                "availability_zone": "Zone",
                "private_ip": "Address",
                "release": "Kernel",
                "machine": "Architecture",
            },
            Query(
                "count by (instance, instance_id, instance_type, availability_zone, private_ip,"
                " release, machine) (node_uname_info{SCOPE})",
                "Series",
            ),
            height=4,
        ),
    ),
)

PROCESSOR = Row(
    "CPU",
    (
        graph(
            "CPU by mode",
            "What the CPUs spend their time on, other than nothing. iowait: they would work if"
            " the disk were faster. steal: the hypervisor keeps them from working.",
            units.PercentUnit,
            Query('instance_mode:node_cpu:ratio_rate5m{SCOPE, mode!="idle"}', "{{mode}}"),
            limits=CPU,
            alerts=("NodeCPUHighUsage",),
            maximum=1,
            stacked=True,
        ),
        graph(
            "Stolen time",
            "Time that the hypervisor keeps to itself, as it does with a burstable instance"
            " without CPU credits.",
            units.PercentUnit,
            Query('instance_mode:node_cpu:ratio_rate5m{SCOPE, mode="steal"}', "{{mode}}"),
            limits=Limits(warning=0.1),
            alerts=("NodeCPUStealHigh",),
            maximum=1,
        ),
        graph(
            "Load per CPU",
            "Tasks that run or wait for a CPU or a disk, divided by the number of CPUs: mean of"
            " the last minute.",
            units.Short,
            Query("instance:node_load1_per_cpu:ratio{SCOPE}", "load"),
            limits=LOAD,
            alerts=("NodeSystemSaturation",),
        ),
        graph(
            "Tasks",
            "Tasks that want a CPU, and tasks that wait for a disk or a network file system.",
            units.Short,
            Query("node_procs_running{SCOPE}", "want a CPU"),
            Query("node_procs_blocked{SCOPE}", "wait for a disk"),
        ),
    ),
)

MEMORY_ROW = Row(
    "Memory",
    (
        graph(
            "Memory utilisation",
            "What cannot be reclaimed.",
            units.PercentUnit,
            Query("instance:node_memory_utilisation:ratio{SCOPE}", "in use"),
            limits=MEMORY,
            alerts=("NodeMemoryHighUtilization",),
            maximum=1,
        ),
        graph(
            "Memory by use",
            "The cache is given up when programs need the room.",
            units.BytesIEC,
            Query(
                "node_memory_MemTotal_bytes{SCOPE} - node_memory_MemFree_bytes{SCOPE}"
                " - node_memory_Cached_bytes{SCOPE} - node_memory_Buffers_bytes{SCOPE}",
                "programs and kernel",
            ),
            Query("node_memory_Cached_bytes{SCOPE} + node_memory_Buffers_bytes{SCOPE}", "cache"),
            Query("node_memory_MemFree_bytes{SCOPE}", "free"),
            stacked=True,
        ),
        graph(
            "Major page faults",
            "Pages that had to be read from disk; many: programs are read again and again for"
            " lack of memory.",
            units.OpsPerSecond,
            Query("instance:node_vmstat_pgmajfault:rate5m{SCOPE}", "faults"),
            limits=Limits(warning=500),
            alerts=("NodeMemoryMajorPagesFaults",),
        ),
        graph(
            "Processes killed for lack of memory",
            "By the kernel, in the 10 minutes before.",
            units.Short,
            Query("increase(node_vmstat_oom_kill{SCOPE}[10m])", "killed"),
            limits=Limits(warning=ANY),
            alerts=("NodeOutOfMemoryKill",),
        ),
    ),
)

STORAGE = Row(
    "File systems and disks",
    (
        graph(
            "Space left",
            "Of each file system on a disk that is writable.",
            units.PercentUnit,
            Query(
                "instance_mountpoint:node_filesystem_avail:ratio{SCOPE}",
                "{{mountpoint}}",
                needs=FILE_SYSTEMS,
            ),
            limits=SPACE,
            alerts=("NodeFilesystemAlmostOutOfSpace", "NodeFilesystemSpaceFillingUp"),
            maximum=1,
        ),
        graph(
            "Inodes left",
            "Of each file system on a disk that is writable: none left, no new file.",
            units.PercentUnit,
            Query(
                "instance_mountpoint:node_filesystem_files_free:ratio{SCOPE}",
                "{{mountpoint}}",
                needs=FILE_SYSTEMS,
            ),
            limits=SPACE,
            alerts=("NodeFilesystemAlmostOutOfFiles", "NodeFilesystemFilesFillingUp"),
            maximum=1,
        ),
        table(
            "File systems",
            "Those on disks. A read-only one that was writable has met an I/O error; one with an"
            " error cannot be looked at.",
            units.BytesIEC,
            {"mountpoint": "Mounted at", "device": "Device", "fstype": "Type"},
            Query(
                f"max {MOUNTED} (node_filesystem_size_bytes{{{ON_DISK}}})",
                "Size",
                needs=FILE_SYSTEMS,
            ),
            Query(
                f"max {MOUNTED} (node_filesystem_avail_bytes{{{ON_DISK}}})",
                "Space left",
                needs=FILE_SYSTEMS,
            ),
            Query(
                f"max {MOUNTED} (node_filesystem_readonly{{{ON_DISK}}})",
                "Read-only",
                units.BoolYesNo,
                needs=FILE_SYSTEMS,
            ),
            Query(
                f"max {MOUNTED} (node_filesystem_device_error{{{ON_DISK}}})",
                "Error",
                units.BoolYesNo,
                Limits(warning=1),
                needs=FILE_SYSTEMS,
            ),
            alerts=("NodeFilesystemReadOnly", "NodeFilesystemDeviceError"),
            height=6,
        ),
        graph(
            "Requests that wait",
            "For each disk, on average.",
            units.Short,
            Query(
                "instance_device:node_disk_io_time_weighted_seconds:rate5m{SCOPE}",
                "{{device}}",
                needs=DISKS,
            ),
            limits=Limits(warning=10),
            alerts=("NodeDiskIOSaturation",),
        ),
        graph(
            "Disks at work",
            "Share of the time in which a disk was busy.",
            units.PercentUnit,
            Query(
                "instance_device:node_disk_io_time_seconds:rate5m{SCOPE}",
                "{{device}}",
                needs=DISKS,
            ),
            maximum=1,
        ),
        graph(
            "Disk traffic",
            "What is read and written.",
            units.BytesPerSecondSI,
            Query(
                "rate(node_disk_read_bytes_total{SCOPE}[$__rate_interval])",
                "{{device}} read",
                needs=DISKS,
            ),
            Query(
                "rate(node_disk_written_bytes_total{SCOPE}[$__rate_interval])",
                "{{device}} written",
                needs=DISKS,
            ),
        ),
        graph(
            "Time of a request",
            "From the request to its end, on average; 0 when there was none.",
            units.Seconds,
            Query(
                "rate(node_disk_read_time_seconds_total{SCOPE}[$__rate_interval])"
                " / clamp_min("
                "rate(node_disk_reads_completed_total{SCOPE}[$__rate_interval]), 1e-9)",
                "{{device}} read",
                needs=DISKS,
            ),
            Query(
                "rate(node_disk_write_time_seconds_total{SCOPE}[$__rate_interval])"
                " / clamp_min("
                "rate(node_disk_writes_completed_total{SCOPE}[$__rate_interval]), 1e-9)",
                "{{device}} write",
                needs=DISKS,
            ),
        ),
        graph(
            "Tasks that hang",
            "Tasks that the kernel has found blocked for 2 minutes, in the 15 minutes before.",
            units.Short,
            Query(
                "increase(node_kernel_hung_tasks_total{SCOPE}[15m])",
                "tasks",
                needs="node_kernel_hung_tasks_total",
            ),
            limits=Limits(warning=ANY),
            alerts=("NodeTasksHung",),
        ),
        graph(
            "RAID: disks that are missing",
            "Of each array; and disks that have failed.",
            units.Short,
            Query(
                "node_md_disks_required{SCOPE}"
                ' - ignoring (state) node_md_disks{SCOPE, state="active"}',
                "{{device}} missing",
                needs="node_md_disks",
            ),
            Query(
                'node_md_disks{SCOPE, state="failed"}', "{{device}} failed", needs="node_md_disks"
            ),
            limits=Limits(warning=ANY),
            alerts=("NodeRAIDDegraded", "NodeRAIDDiskFailure"),
        ),
    ),
)

NETWORK_ROW = Row(
    "Network",
    (
        graph(
            "Network traffic",
            "Without loopback and containers' interfaces.",
            units.BytesPerSecondSI,
            Query(
                f"rate(node_network_receive_bytes_total{{{PHYSICAL}}}[$__rate_interval])",
                "{{device}} receives",
                needs=NETWORK,
            ),
            Query(
                f"rate(node_network_transmit_bytes_total{{{PHYSICAL}}}[$__rate_interval])",
                "{{device}} sends",
                needs=NETWORK,
            ),
        ),
        graph(
            "Packets with errors",
            "Share of the packets; 0 when there was none.",
            units.PercentUnit,
            Query(
                "rate(node_network_receive_errs_total{SCOPE}[5m])"
                " / clamp_min(rate(node_network_receive_packets_total{SCOPE}[5m]), 1e-9)",
                "{{device}} received",
            ),
            Query(
                "rate(node_network_transmit_errs_total{SCOPE}[5m])"
                " / clamp_min(rate(node_network_transmit_packets_total{SCOPE}[5m]), 1e-9)",
                "{{device}} sent",
            ),
            limits=Limits(warning=0.01),
            alerts=("NodeNetworkReceiveErrs", "NodeNetworkTransmitErrs"),
        ),
        graph(
            "Packets dropped",
            "Without loopback and containers' interfaces.",
            units.PacketsPerSecond,
            Query(
                "instance:node_network_receive_drop_physical:rate5m{SCOPE}",
                "received",
                needs=NETWORK,
            ),
            Query(
                "instance:node_network_transmit_drop_physical:rate5m{SCOPE}",
                "sent",
                needs=NETWORK,
            ),
        ),
        graph(
            "Changes of interfaces",
            "How often an interface went up or down in the 10 minutes before.",
            units.Short,
            Query(f"changes(node_network_up{{{PHYSICAL}}}[10m])", "{{device}}", needs=NETWORK),
            limits=Limits(warning=4),
            alerts=("NodeNetworkInterfaceFlapping",),
        ),
        graph(
            "Connection tracking",
            "Share of the table in use: when it is full, new connections are dropped.",
            units.PercentUnit,
            Query(
                "node_nf_conntrack_entries{SCOPE} / node_nf_conntrack_entries_limit{SCOPE}",
                "in use",
                needs="node_nf_conntrack_entries",
            ),
            limits=Limits(warning=0.75),
            alerts=("NodeHighNumberConntrackEntriesUsed",),
            maximum=1,
        ),
        graph(
            "Open files",
            "Share of the file descriptors that the kernel admits.",
            units.PercentUnit,
            Query("node_filefd_allocated{SCOPE} / node_filefd_maximum{SCOPE}", "in use"),
            limits=Limits(warning=0.7, critical=0.9),
            alerts=("NodeFileDescriptorLimit",),
            maximum=1,
        ),
    ),
)

SYSTEM = Row(
    "Clock, services, node_exporter",
    (
        graph(
            "Clock: offset",
            "How far off the clock is, measured by the host's own time service.",
            units.Seconds,
            Query("abs(node_timex_offset_seconds{SCOPE})", "offset"),
            limits=Limits(warning=0.05),
            alerts=("NodeClockSkewDetected",),
            width=8,
        ),
        graph(
            "Clock: difference from Prometheus",
            "Up to the duration of a scrape of it is not the clock's.",
            units.Seconds,
            Query(
                "abs(node_time_seconds{SCOPE} - timestamp(node_time_seconds{SCOPE}))", "difference"
            ),
            limits=Limits(warning=5),
            alerts=("NodeClockDiffersFromPrometheus",),
            width=8,
        ),
        graph(
            "Clock: synchronised",
            "1: the kernel hears from a time service.",
            units.Short,
            Query("node_timex_sync_status{SCOPE}", "synchronised"),
            limits=Limits(warning=ANY, below=True),
            alerts=("NodeClockNotSynchronising",),
            maximum=1,
            width=8,
        ),
        graph(
            "systemd: failed units",
            "Units in the state failed.",
            units.Short,
            Query(
                'node_systemd_unit_state{SCOPE, state="failed"} == 1',
                "{{name}}",
                empty_when_healthy="no unit of systemd has failed",
            ),
            limits=Limits(warning=1),
            alerts=("NodeSystemdServiceFailed",),
            width=8,
        ),
        graph(
            "systemd: services that do not get up",
            "Share of the 15 minutes before that a service spent starting.",
            units.PercentUnit,
            Query(
                'avg_over_time(node_systemd_unit_state{SCOPE, state="activating",'
                ' name=~".+[.]service", type!="oneshot"}[15m]) > 0',
                "{{name}}",
                empty_when_healthy="no service of systemd is starting",
            ),
            limits=Limits(warning=0.5),
            alerts=("NodeSystemdServiceNotStarting",),
            maximum=1,
            width=8,
        ),
        graph(
            "systemd: restarts",
            "Of services, in the 5 minutes before.",
            units.Short,
            Query(
                "increase(node_systemd_service_restart_total{SCOPE}[5m]) > 0",
                "{{name}}",
                empty_when_healthy="systemd has restarted no service",
            ),
            limits=Limits(warning=2),
            alerts=("NodeSystemdServiceCrashlooping",),
            width=8,
        ),
        graph(
            "node_exporter: collectors without data",
            "Many have nothing to read on a virtual machine: what counts is a change.",
            units.Short,
            Query("sum(node_scrape_collector_success{SCOPE} == bool 0)", "collectors"),
            alerts=("NodeCollectorFailing",),
            width=8,
        ),
        graph(
            "node_exporter: textfile error",
            "1: a *.prom file of the textfile directory cannot be read or parsed.",
            units.Short,
            Query("node_textfile_scrape_error{SCOPE}", "error"),
            limits=Limits(warning=1),
            alerts=("NodeTextFileCollectorScrapeError",),
            maximum=1,
            width=8,
        ),
        graph(
            "node_exporter: time of a scrape",
            "How long Prometheus waits for the host's metrics.",
            units.Seconds,
            Query("scrape_duration_seconds{SCOPE}", "scrape"),
            width=8,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid="host",
    title="Host",
    description="One host in detail.",
    scope=SCOPE,
    variables=(ENVIRONMENT, REGION, job(JOBS), instance(IN_JOBS, several=False)),
    rows=(NOW, PROCESSOR, MEMORY_ROW, STORAGE, NETWORK_ROW, SYSTEM),
)
