import type { LoaderFunctionArgs } from '@remix-run/node'
import { usageResponse } from './usage.server.ts'

export function loader({ request, context, params }: LoaderFunctionArgs) {
	return usageResponse(request, context, { peerId: params.peerId })
}
