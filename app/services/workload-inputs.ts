import { z } from 'zod'
import { CommandId, WorkloadId, WorkloadName, WorkloadType } from '../../agent/protocol/index.ts'

/** Inputs of the workload procedures (contract.md); a key that is not listed is an error that names it. */
export const DeployInput = z.strictObject({
	name: WorkloadName,
	type: WorkloadType,
	config: z.unknown().default({}),
	commandId: CommandId.optional(),
})

export const DryRunInput = z.strictObject({ type: WorkloadType, config: z.unknown().default({}) })
export const IdInput = z.strictObject({ id: WorkloadId })
export const ChangeInput = z.strictObject({ id: WorkloadId, commandId: CommandId.optional() })
export const DeleteInput = z.strictObject({
	id: WorkloadId,
	commandId: CommandId.optional(),
	/** false keeps the data on its host */
	volumes: z.boolean().default(true),
	/** a host that is away deletes when it is back, instead of HOST_UNREACHABLE */
	whenBack: z.boolean().default(false),
})
export const ScaleInput = z.strictObject({
	id: WorkloadId,
	replicas: z.number().int().min(1).max(100),
	commandId: CommandId.optional(),
})
export const LogsInput = z.strictObject({
	id: WorkloadId,
	lines: z.number().int().min(0).max(10_000).default(100),
	replica: z.number().int().min(0).optional(),
})
export const ProbeInput = z.strictObject({ id: WorkloadId, url: z.string().max(512) })
export const QueryInput = z.strictObject({
	status: z.string().max(32).optional(),
	search: z.string().max(100).optional(),
})
