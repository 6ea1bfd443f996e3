// The page's one way to the program: typed calls and events of the contract, over Electron's bridge or the browser
// host's socket. Nothing else of the renderer knows which of the two it is.
import { type Api, makeApi } from '#shared/contract/api.ts'
import { checkWithoutGeneratedCode } from '#shared/plain-zod.ts'
import { connectSocket } from './socket-transport.ts'

checkWithoutGeneratedCode()

export const api: Api = makeApi(window.tunewright ?? connectSocket())
