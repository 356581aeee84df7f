// SPDX-License-Identifier: Apache-2.0

package kern

import (
	"testing"
	"time"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/acl/compile"
	"hooktop/netcfg/policy"
)

// slotsByName are the devices of tests.
var slotsByName = map[string]uint16{"eth0": 1, "eth1": 2}

func parsePolicy(t testing.TB, text string) acl.Policy {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f.Resolve(time.Now()).ACL()
}

// writePolicy compiles and writes a policy without a guard.
func writePolicy(t testing.TB, p *Pipeline, text string) uint32 {
	t.Helper()
	a := parsePolicy(t, text)
	return writeACL(t, p, &a)
}

func compiled(t testing.TB, text string) *compile.Image {
	t.Helper()
	a := parsePolicy(t, text)
	img, err := compile.Compile(&a, compile.Options{Devices: slotsByName})
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func writeACL(t testing.TB, p *Pipeline, a *acl.Policy) uint32 {
	t.Helper()
	img, err := compile.Compile(a, compile.Options{Devices: slotsByName})
	if err != nil {
		t.Fatal(err)
	}
	gen, err := p.WritePolicy(img)
	if err != nil {
		t.Fatal(err)
	}
	return gen
}
