// SPDX-License-Identifier: Apache-2.0

package lab

import "context"

// serveChained is the server that the chain is for.
func serveChained(*station) error { return serveWebAt(chainedPort, chained4) }

// browseChained: clients of the LAN ask it, through the firewall where a policy has the chain, else straight.
func browseChained(ctx context.Context, s *station) {
	browseAt(ctx, s, chainedPort, lanClients(), []string{chained4})
}
