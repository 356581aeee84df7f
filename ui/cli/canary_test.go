// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"hooktop/probes/snap"
)

// launched plays a command line with a policy and gives what reached the backend.
func launched(t *testing.T, args ...string) (Options, *stage) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate.acl")
	if err := os.WriteFile(path, []byte("deny in udp\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var got Options
	s := playAt(t, func(b *Backends) {
		b.Once = func(_ context.Context, o Options) (Snapshot, error) {
			got = o
			return Snapshot{Frame: sampleFrame()}, nil
		}
	}, append([]string{"--once", "--policy", path}, args...)...)
	return got, s
}

func TestCanaryByFlagsAndConfig(t *testing.T) {
	configHome(t, "[canary]\nsoak = '10m'\ncpu = 35\nerrors = 0.0\n")
	got, s := launched(t, "--canary", "eth0", "--canary", "eth1")
	want := Canary{On: []string{"eth0", "eth1"}, Soak: 10 * time.Minute, Limits: snap.DefaultCanaryLimits()}
	want.Limits.CPU, want.Limits.Errors = 35, 0
	if s.code != ExitOK || !reflect.DeepEqual(got.Policy.Canary, want) {
		t.Fatalf("%d %q: %+v, want %+v", s.code, s.err, got.Policy.Canary, want)
	}
	again, s := launched(t, append([]string{"--no-config"}, got.Policy.Canary.args()...)...)
	if s.code != ExitOK || !reflect.DeepEqual(again.Policy.Canary, want) {
		t.Errorf("%d %q: the lab gets %+v", s.code, s.err, again.Policy.Canary)
	}
	if got, _ := launched(t, "--soak", "30s"); got.Policy.Canary.Soak != 30*time.Second {
		t.Errorf("the flag gives way to the file: %+v", got.Policy.Canary)
	}
	if got, _ := launched(t, "--no-config"); !reflect.DeepEqual(got.Policy.Canary, Canary{}) {
		t.Errorf("without anything: %+v", got.Policy.Canary)
	}
}

func TestCanariesThatMakeNoSense(t *testing.T) {
	for text, words := range map[string]string{
		"[canary]\nsoak = 'long'\n": `canary.soak: "long" is no time`,
		"[canary]\nsoak = '48h'\n":  "from 1s to 24h",
		"[canary]\ncpu = -1\n":      "canary.cpu: -1 is no limit",
		"[canary]\ndenied = nan\n":  "canary.denied: NaN is no limit",
		"[canary]\nerrors = 0\ndrops = 0\ndenied = 0\nretransmits = 0\ncpu = 0\nquiet = 0\n": "canary: with all limits at 0",
		"[canary]\nbananas = 1\n":    `unknown key "canary.bananas"`,
		"[canary]\nerrors = 'few'\n": "config.toml:2",
	} {
		configHome(t, text)
		if _, s := launched(t); s.code != ExitUsage || !strings.Contains(s.err, words) {
			t.Errorf("%q: %d %q", text, s.code, s.err)
		}
	}
	for words, args := range map[string][]string{
		"--soak: 1ms is out of range":      {"--soak", "1ms"},
		"--canary is empty":                {"--canary", " "},
		`--canary-limits: "x=1" is no`:     {"--canary-limits", "cpu=1,x=1"},
		`--canary-limits: "cpu=-1" is no`:  {"--canary-limits", "cpu=-1"},
		"--canary-limits: with all limits": {"--canary-limits", "errors=0,drops=0,denied=0,retransmits=0,cpu=0,quiet=0"},
		`--canary-limits: "cpu=NaN" is no`: {"--canary-limits", "cpu=NaN"},
	} {
		if _, s := launched(t, append(args, "--no-config")...); s.code != ExitUsage || !strings.Contains(s.err, words) {
			t.Errorf("%q: %d %q", args, s.code, s.err)
		}
	}
	if s := play(t, nil, "--once", "--no-config", "--canary", "eth0"); s.code != ExitUsage || !strings.Contains(s.err, "add --policy FILE") {
		t.Errorf("without a policy: %d %q", s.code, s.err)
	}
}

func TestCanaryInTheSnapshot(t *testing.T) {
	p := snap.Policy{}
	if a := aclJSON(&p); a.Canary != nil {
		t.Errorf("%+v", a.Canary)
	}
	p.Canary = snap.Canary{
		Gen: 7, Devices: []string{"eth1"}, Rest: []string{"eth0"}, Left: 90 * time.Second, Lease: 5 * time.Second,
		Checks: []snap.CanaryCheck{{Name: "drops/s", Before: 1, Now: 40, Limit: 12, Failed: true}},
	}
	got, err := json.Marshal(aclJSON(&p).Canary)
	want := `{"generation":7,"devices":["eth1"],"rest":["eth0"],"left_s":90,"lease_s":5,` +
		`"checks":[{"name":"drops/s","before":1,"now":40,"limit":12,"failed":true}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
