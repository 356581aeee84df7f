// SPDX-License-Identifier: Apache-2.0

package cli

// Entry is one command as README's table shows it.
type Entry struct {
	Usage string // "hooktop pcap FILE"
	Short string
}

// Listing gives the commands that users see, in the order of help.
func Listing() []Entry {
	entries := []Entry{{Usage: program().name, Short: program().short}}
	for _, c := range commands() {
		if c.hidden {
			continue
		}
		usage := "hooktop " + c.name
		if c.args != "" {
			usage += " " + c.args
		}
		entries = append(entries, Entry{Usage: usage, Short: c.short})
	}
	return entries
}
