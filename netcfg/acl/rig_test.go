// SPDX-License-Identifier: Apache-2.0

package acl_test

import (
	"testing"

	"hooktop/netcfg/acl"
	"hooktop/netcfg/policy"
)

func file(t testing.TB, text string) policy.File {
	t.Helper()
	f, err := policy.Parse(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return f
}

func parsed(t testing.TB, text string) acl.Policy { return file(t, text).ACL() }
