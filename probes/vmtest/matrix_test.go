// SPDX-License-Identifier: Apache-2.0

//go:build vm

package vmtest

import (
	"context"
	"path/filepath"
	"testing"
	"time"
)

// guestLimit ends a guest that hangs.
const guestLimit = 6 * time.Minute

func TestMatrix(t *testing.T) {
	cache, err := Cache()
	if err != nil {
		t.Fatal(err)
	}
	built := t.TempDir()
	root := "../.."
	if err := Build(t.Context(), root, built, Suite()); err != nil {
		t.Fatal(err)
	}
	for _, k := range Kernels() {
		t.Run(k.Series, func(t *testing.T) {
			img, err := k.Fetch(t.Context(), cache)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), guestLimit)
			defer cancel()
			logs := filepath.Join(cache, "logs", k.Suite)
			o := Boot(ctx, img, root, built, logs, Suite())
			t.Logf("%s: boot %v, all %v, err %v", img.Resolved, o.Boot, o.Took, o.Err)
			for _, r := range o.Runs {
				t.Logf("%-16s %4d %v", r.Package, r.Code, r.Took)
				if r.Code != 0 {
					t.Errorf("%s\n%s", r.Package, r.Log)
				}
			}
			if o.Err != nil {
				t.Errorf("%v\n%s", o.Err, o.Console)
			}
		})
	}
}
