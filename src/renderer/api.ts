// The page's one way to the program: typed calls and events of the contract, over Electron's bridge or the browser
// host's socket. Which of the two it is the rest of the renderer asks here alone.
import { type Api, makeApi } from '#shared/contract/api.ts'
import { checkWithoutGeneratedCode } from '#shared/plain-zod.ts'
import { connectionState } from './connection.ts'
import { connectSocket } from './socket-transport.ts'

checkWithoutGeneratedCode()

// The desktop program says so when its core died; it starts another and then loads this page anew.
window.tunewright?.onEvent((event) => {
  if (event === 'connection.lost') connectionState.value = 'lost'
})

/** The desktop window can pick folders and open the file manager for the program; a browser can do neither. */
export const isDesktop = window.tunewright !== undefined

export const api: Api = makeApi(window.tunewright ?? connectSocket())
