import type { z } from 'zod'
import type { Labels } from '../../agent/protocol/index.ts'
import type { SessionView } from '../services/services.ts'
import type {
	ChangeInput,
	DeleteInput,
	DeployInput,
	DryRunInput,
	IdInput,
	LogsInput,
	ProbeInput,
	QueryInput,
	ScaleInput,
} from '../services/workload-inputs.ts'
import { authed, given, open, router } from './procedures.ts'

interface Credentials {
	email: string
	password: string
}

/** The API of contract.md: each procedure names the service that does the work, and nothing else. */
export const appRouter = router({
	user: router({
		register: open
			.input(given<Credentials>())
			.mutation(({ ctx, input }) => ctx.services.accounts.register(input, ctx.client)),
		login: open
			.input(given<Credentials>())
			.mutation(({ ctx, input }) => ctx.services.accounts.login(input, ctx.client)),
		refresh: open
			.input(given<{ refreshToken: string }>())
			.mutation(({ ctx, input }) => ctx.services.accounts.refresh(input, ctx.client)),
		me: authed.query(({ ctx: { actor } }) => ({ id: actor.userId, email: actor.email, role: actor.role })),
		sessions: authed.query(({ ctx }) => ctx.services.sessions.list(ctx.actor, null)),
		revoke: authed
			.input(given<{ kind: SessionView['kind']; id: string }>())
			.mutation(({ ctx, input }) => ctx.services.sessions.revoke(ctx.actor, input)),
		device: authed
			.input(given<{ publicKey: string }>())
			.mutation(({ ctx, input }) => ctx.services.accounts.device(ctx.actor, input)),
	}),
	workload: router({
		list: authed
			.input(given<z.input<typeof QueryInput> | undefined>())
			.query(({ ctx, input }) => ctx.services.workloads.list(ctx.actor, input ?? {})),
		get: authed
			.input(given<z.input<typeof IdInput>>())
			.query(({ ctx, input }) => ctx.services.workloads.get(ctx.actor, input)),
		deploy: authed
			.input(given<z.input<typeof DeployInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.deploy(ctx.actor, input)),
		dryRun: authed
			.input(given<z.input<typeof DryRunInput>>())
			.query(({ ctx, input }) => ctx.services.workloads.dryRun(ctx.actor, input)),
		start: authed
			.input(given<z.input<typeof ChangeInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.start(ctx.actor, input)),
		stop: authed
			.input(given<z.input<typeof ChangeInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.stop(ctx.actor, input)),
		restart: authed
			.input(given<z.input<typeof ChangeInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.restart(ctx.actor, input)),
		delete: authed
			.input(given<z.input<typeof DeleteInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.delete(ctx.actor, input)),
		scale: authed
			.input(given<z.input<typeof ScaleInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.scale(ctx.actor, input)),
		probe: authed
			.input(given<z.input<typeof ProbeInput>>())
			.mutation(({ ctx, input }) => ctx.services.workloads.probe(ctx.actor, input)),
		logs: authed
			.input(given<z.input<typeof LogsInput>>())
			.query(({ ctx, input }) => ctx.services.workloads.logs(ctx.actor, input)),
		explain: authed
			.input(given<z.input<typeof IdInput>>())
			.query(({ ctx, input }) => ctx.services.workloads.explain(ctx.actor, input)),
		events: authed.input(given<z.input<typeof IdInput>>()).subscription(async function* ({ ctx, input, signal }) {
			yield* ctx.services.workloads.followEvents(ctx.actor, input, signal ?? new AbortController().signal)
		}),
		followLogs: authed.input(given<z.input<typeof LogsInput>>()).subscription(async function* ({ ctx, input, signal }) {
			yield* ctx.services.workloads.followLogs(ctx.actor, input, signal ?? new AbortController().signal)
		}),
	}),
	lattice: router({
		rotateSecrets: authed.mutation(({ ctx }) => ctx.services.rotation.rotate(ctx.actor)),
	}),
	settings: router({
		ngrok: authed.query(({ ctx }) => ctx.services.settings.ngrok(ctx.actor)),
		setNgrok: authed
			.input(given<{ token: string | null }>())
			.mutation(({ ctx, input }) => ctx.services.settings.setNgrok(ctx.actor, input)),
	}),
	node: router({
		list: authed.query(({ ctx }) => ctx.services.nodes.list(ctx.actor)),
		get: authed.input(given<{ peerId: string }>()).query(({ ctx, input }) => ctx.services.nodes.get(ctx.actor, input)),
		usage: authed.query(({ ctx }) => ctx.services.monitoring.now(ctx.actor)),
		remove: authed.input(given<{ peerId: string }>()).mutation(async ({ ctx, input }) => {
			await ctx.services.nodes.remove(ctx.actor, input)
			return { peerId: input.peerId }
		}),
		invite: authed
			.input(given<{ ttlSeconds?: number; uses?: number; labels?: Labels } | undefined>())
			.mutation(({ ctx, input }) => ctx.services.nodes.invite(ctx.actor, input)),
	}),
})

export type AppRouter = typeof appRouter
