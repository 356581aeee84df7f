// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

func TestKeepSaysWhatCameOfIt(t *testing.T) {
	keep := func(_ context.Context, code string) (string, error) {
		if code != "7hk3wq" {
			return "", errors.New("keep: this is not the code of the trial that runs")
		}
		return "v2 is kept", nil
	}
	with := func(b *Backends) { b.Keep = keep }
	if s := play(t, with, "keep", "7hk3wq"); s.code != ExitOK || s.out != "v2 is kept\n" {
		t.Errorf("%d %q %q", s.code, s.out, s.err)
	}
	if s := play(t, with, "keep", "7hk3wq", "--json"); s.code != ExitOK || !strings.Contains(s.out, `"schema":"hooktop.keep/1"`) {
		t.Errorf("%d %q", s.code, s.out)
	}
	if s := play(t, with, "keep", "wrong"); s.code != ExitFailed || s.err != "hooktop: keep: this is not the code of the trial that runs\n" {
		t.Errorf("%d %q", s.code, s.err)
	}
}

func TestPolicyFlagsReachTheBackend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gate.acl")
	if err := os.WriteFile(path, []byte("deny in udp\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got Policy
	s := play(t, func(b *Backends) {
		b.Once = func(_ context.Context, o Options) (Snapshot, error) {
			got = o.Policy
			return Snapshot{Frame: sampleFrame()}, nil
		}
	}, "--once", "--no-config", "--policy", path, "--lease", "20s", "--no-guard", "--log-rate", "500", "--events", path+".jsonl")
	want := Policy{File: path, Text: "deny in udp\n", Lease: 20 * time.Second, NoGuard: true, Events: path + ".jsonl", LogRate: 500}
	if s.code != ExitOK || !reflect.DeepEqual(got, want) {
		t.Errorf("%d %q: %+v", s.code, s.err, got)
	}
	args := strings.Join(Options{Policy: want}.Args(), " ")
	for _, arg := range []string{"--policy=" + path, "--lease=20s", "--no-guard", "--log-rate=500", "--events=" + path + ".jsonl"} {
		if !strings.Contains(args, arg) {
			t.Errorf("the lab's command line lacks %s: %s", arg, args)
		}
	}
}

func TestPolicyInTheSnapshot(t *testing.T) {
	f := sampleFrame()
	f.Interfaces[0].Slot = 1
	f.Policy = snap.Policy{
		Kept: 1, Text: "deny in udp\n",
		Trial:   snap.Trial{Gen: 2, Lease: 9 * time.Second, Text: "# by night\ndefault in deny\nallow in tcp to any port 22\n"},
		Rules:   []snap.RuleHits{{Line: 3, Hits: snap.Hits{Packets: 7, Bytes: 700, Last: 2 * time.Second}}, {Line: 99}},
		Guard:   []snap.GuardHits{{Name: "DHCP", Text: "allow udp", Hits: snap.Hits{Last: -1}}},
		Devices: []snap.PolicyDevice{{Name: "eth0", Slot: 1, Gen: 2, Lease: 9 * time.Second}},
	}
	var shot struct {
		Interfaces []interfaceObject
		ACL        aclObject
	}
	s := snapshotOf(t, f, "--once", "--json", "--no-config")
	if err := json.Unmarshal([]byte(s.out), &shot); err != nil {
		t.Fatal(err)
	}
	a := shot.ACL
	if a.Default != "deny" || a.DefaultOut != "allow" || a.Generation != 2 || a.Kept != 1 || a.LeaseS != 9 || len(a.Rules) != 1 || len(a.Guard) != 1 {
		t.Fatalf("%+v", a)
	}
	want := countedRule{Line: 3, Text: "allow in  tcp to any port 22", Packets: 7, Bytes: 700, LastS: 2}
	if a.Rules[0] != want || a.Guard[0].LastS != -1 {
		t.Errorf("%+v", a)
	}
	if i := shot.Interfaces[0]; i.Generation != 2 || i.LeaseS != 9 {
		t.Errorf("%+v", i)
	}
}
