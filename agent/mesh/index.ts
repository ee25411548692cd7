export { createPeer, WITH_MEMBERS } from './create-peer.ts'
export type { MemberTransport } from './member-transport.ts'
export { Members, type MembersOptions, type OwnStatus } from './members.ts'
export type {
	CommandHandler,
	DialService,
	JoinHandler,
	MeshLog,
	MeshTimeouts,
	Peer,
	PeerChange,
	PeerConnection,
	PeerOptions,
	RenewHandler,
	WatchSource,
} from './peer.ts'
