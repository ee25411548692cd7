import { createContext } from 'react'

/** Known while rendering on the server only: a nonce in the page's data would be readable by what it keeps out. */
export const NonceContext = createContext<string | undefined>(undefined)
