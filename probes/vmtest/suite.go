// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Binary is a package whose tests run in the guests.
type Binary struct {
	Package string   // below the module
	Run     []string // how the tests' names begin, with a subtest behind a slash; none: all
	Skip    []string // likewise, of those that are left out
	Ends    []string // likewise, of those that only the oldest and the newest kernel run: what both do the same way, those between do
	Files   []string // that the tests read, from the root of the tree
}

// Suite is what runs on every kernel: what attaches, counts, traces, enters namespaces and cleans up. Adding a package is
// one line. Packages whose tests ask no kernel say the same on each and are not here; neither are those that need an SSH
// server (probes/wayin) or a terminal (the root). Emulated CPUs are some twenty times slower than real ones, so that of
// the rest only what may differ between kernels is selected, and runs short.
func Suite() []Binary {
	return []Binary{
		// Not selected: what the flow table does by itself, bulk TCP, variants of trace programs beside the largest, which
		// TestEveryProgramLoads loads, faults made on purpose, what nft decides, what asks no kernel, and metadata in BPF_PROG_TEST_RUN, which needs 6.1.
		{Package: "bpf/kern", Skip: []string{"TestTableTwin", "TestTableReplacement", "TestTableHomeSlot", "TestForget", "TestForgotten", "TestLive", "TestScan",
			"TestBulkTCP", "TestTraceProgramsLoad", "TestMutants", "TestATorn", "TestRulesDecide", "TestAnOdometer", "TestATagIs", "TestMarksThatAreLost", "TestForgedMetadata",
			"TestTunnelMutants", "TestTunnelPolicies", "TestInstructions", "TestDefines", "TestAFoldMeanwhile"},
			Ends: []string{"TestParser", "FuzzParser", "TestTable", "TestTags", "TestHeaders", "TestNoPacketSees", "TestATrialOnOneDevice", "TestKeepExtend",
				"TestEstablished", "TestLimitDecides", "TestEvents", "TestTheReader", "TestAFlood", "TestGenerations", "TestWhatFullMaps", "TestForwarded",
				"TestTunnelCuts", "TestOtherTunnel", "TestVXLANThat", "TestVXLANDevicesThat", "TestWhatIsUnwrapped"}},
		// One engine for native XDP and one for tc, without and with tcx. Not selected: what bpf/kern and netcfg/nl test nearer to
		// the kernel (foreign XDP and filters, forwarding, devices that come and go), random wishes, and a sender that fills one of
		// the emulated CPUs (mode changes).
		{Package: "probes", Run: []string{"TestEveryMode/native_no_tcx_true", "TestEveryMode/tc_no_tcx_false", "TestTakenOff", "TestKillAtAnyMoment",
			"TestTheLedgerShows", "TestTracesAre"}, Ends: []string{"TestKillAtAnyMoment", "TestTheLedgerShows"}},
		{Package: "probes/trace", Ends: []string{"TestKernelAndTwinAgree", "TestASessionStops", "TestSentIsShown", "TestRetransmits", "TestReturns"}},
		// Not selected: what asks no kernel.
		{Package: "probes/trace/functions", Run: []string{"TestThisKernel", "TestLoadLeaves"}},
		// Not selected: what only files and locks decide.
		{Package: "probes/guard", Skip: []string{"TestJournal", "TestAJournal", "TestALongJournal", "TestAFull", "TestNobodyIsInTheWay",
			"TestExactlyOne", "TestFilesAre", "TestAFolder"}},
		// Not selected: needs tshark; every capture by three policies.
		{Package: "probes/dryrun", Skip: []string{"TestPcapsAgainstTshark", "TestExplainSays", "TestPcapAgrees", "TestPcapOfRawIP"}, Files: []string{"testdata/pcap"}},
		// Not selected: figures against each other, of an emulated CPU.
		{Package: "probes/bench", Run: []string{"TestMeasureKnowsEachStage/every"}},
		// Not selected: parsers, and thousands of sockets and routes.
		{Package: "netcfg/nl", Skip: []string{"TestDecode", "FuzzDecode", "TestMany", "TestParseTracked"}},
		// Not selected: what asks no kernel, needs sshd or tshark, soaks, and faults made on purpose.
		{Package: "netcfg/enforce", Run: []string{"TestPolicyInTheKernel", "TestAHeaderHasItsTag", "TestChainTakes/tc", "TestChainTakes/native",
			"TestServiceThatIsAway", "TestADeviceOfAChain", "TestASilentForwarded"},
			Ends: []string{"TestAHeaderHasItsTag", "TestServiceThatIsAway", "TestADeviceOfAChain", "TestASilentForwarded"}},
		{Package: "netcfg/lab", Run: []string{"TestSentIs", "TestNothingIsLeft", "TestEnter", "TestBuildRefuses"}, Ends: []string{"TestSentIs"}},
		// Not selected: needs sshd.
		{Package: "probes/ktest", Skip: []string{"TestSSHD"}},
		// Not selected: thousands of processes for one PID to come round.
		{Package: "probes/owner", Run: []string{"TestRealSockets", "TestRealPIDNamespace"}},
	}
}

// BootOrder is the order in which guests take their turns: those that run the whole suite first. A long one that begins last would run
// alone at the end.
func BootOrder(kernels []Kernel) []Kernel {
	return slices.SortedStableFunc(slices.Values(kernels), func(a, b Kernel) int {
		switch {
		case a.Between == b.Between:
			return 0
		case a.Between:
			return 1
		}
		return -1
	})
}

// Tools are programs that the tests compare with, and run. They and their libraries are the host's.
func Tools() []string { return []string{"ip", "tc", "bpftool", "nft", "cat"} }

// GuestPath is the PATH of runs, and has the tools.
const GuestPath = "/bin"

// treeDir is where a guest has the parts of the tree that tests read.
const treeDir = "tree"

const modulePath = "hooktop"

// runLimit ends a binary that hangs, with the stacks of its goroutines. Those that take longest take two and a half minutes where the
// emulated CPUs get whole ones, and ten where those are slow.
const runLimit = 20 * time.Minute

// Build makes init and the test binaries in dir, once for all kernels. root is that of the tree.
func Build(ctx context.Context, root, dir string, suite []Binary) error {
	tests := []string{"test", "-c", "-ldflags=-s -w", "-o", dir + "/"}
	for _, b := range suite {
		tests = append(tests, modulePath+"/"+b.Package)
	}
	for _, args := range [][]string{{"build", "-ldflags=-s -w", "-o", filepath.Join(dir, initName), modulePath + "/probes/vmtest/init"}, tests} {
		cmd := exec.CommandContext(ctx, "go", args...)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=amd64")
		if text, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build what guests run: go %s: %w: %s", args[0], err, text)
		}
	}
	return nil
}

const initName = "init"

// file is the name that go test -c gives the binary.
func (b Binary) file() string { return path.Base(b.Package) + ".test" }

// run is the binary's turn in a guest, in the folder of its package as go test has it.
func (b Binary) run(k Kernel) Run {
	r := Run{Name: b.Package, Dir: "/" + path.Join(treeDir, b.Package)}
	r.Args = []string{"/" + path.Join(treeDir, b.Package, b.file()), "-test.v", "-test.short", "-test.count=1", "-test.timeout=" + runLimit.String()}
	if len(b.Run) > 0 {
		r.Args = append(r.Args, "-test.run=^"+strings.Join(b.Run, "|^"))
	}
	skip := b.Skip
	if k.Between {
		skip = slices.Concat(skip, b.Ends)
	}
	if len(skip) > 0 {
		r.Args = append(r.Args, "-test.skip=^"+strings.Join(skip, "|^"))
	}
	return r
}
