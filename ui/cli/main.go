// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
)

// Stdio is where a call reads and writes.
type Stdio struct {
	In  *os.File
	Out *os.File
	Err io.Writer
}

// Main runs the command that args (without the program's name) ask for and returns the exit code. The context must end
// on the signals that end the program: main arranges that.
func Main(ctx context.Context, args []string, std Stdio, b Backends) int {
	err := run(ctx, args, std, b)
	if text := line(err); text != "" {
		fmt.Fprintln(std.Err, "hooktop: "+text)
	}
	return exitCode(err)
}
