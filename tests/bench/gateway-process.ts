import { GatewayRig, reportOf } from '../../agent/endpoints/gateway/rig.fixture.ts'

/** A gateway alone in a process, in front of one port of this machine: `node gateway-process.ts PORT` prints its address. */
const rig = new GatewayRig()
rig.backends.set('h0', Number(process.argv[2]))
await rig.start()
rig.tell(reportOf('web'))
console.log((await rig.urlOf('web')).href)
process.once('SIGTERM', () => void rig.stop())
