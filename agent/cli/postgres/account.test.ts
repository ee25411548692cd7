import { expect, it } from 'vitest'
import { parsePasswd } from './account.ts'

const PASSWD = 'root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n'

it('finds an account by its whole name', () => {
	expect(parsePasswd(PASSWD, 'postgres')).toEqual({ uid: 101, gid: 104 })
	expect(parsePasswd(PASSWD, 'post')).toBeNull()
	expect(parsePasswd(PASSWD, '')).toBeNull()
})
