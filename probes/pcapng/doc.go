// SPDX-License-Identifier: Apache-2.0

// Package pcapng writes packets as a capture file that Wireshark and tshark read, each with a comment (the IETF's
// draft-ietf-opsawg-pcapng). It writes four kinds of block and imports the standard library only: the writer of gopacket knows no
// comments of packets.
package pcapng
