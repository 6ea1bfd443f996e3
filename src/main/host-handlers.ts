// The calls that only the program with the window can answer: picking a model, showing an export, opening an address. The
// page gets names and handles, never a path.
import { randomUUID } from 'node:crypto'
import { basename } from 'node:path'
import { type BrowserWindow, dialog, shell } from 'electron'
import type { HostCallName, SomeHandlers } from '#shared/contract/index.ts'
import { fail, ok, type Result } from '#shared/result.ts'
import { externalAddress } from './external-address.ts'
import { words } from './words.ts'

export interface HostTools {
  window(): BrowserWindow | null
  picked(handle: string, path: string): void
  /** Where an export lies; null for an unknown one. */
  exportPlace(exportId: string): Promise<string | null>
}

export function createHostHandlers(tools: HostTools): SomeHandlers<HostCallName> {
  return {
    async 'host.pickModel'({ kind }) {
      const properties: Electron.OpenDialogOptions['properties'] = [
        kind === 'folder' ? 'openDirectory' : 'openFile',
      ]
      const filters = kind === 'file' ? [{ name: 'GGUF', extensions: ['gguf'] }] : []
      const options = {
        title: words.pickModel[kind],
        buttonLabel: words.pickModel.button,
        properties,
        filters,
      }
      const window = tools.window()
      const chosen = await (window ? dialog.showOpenDialog(window, options) : dialog.showOpenDialog(options))
      const [path] = chosen.filePaths
      if (chosen.canceled || path === undefined) return ok({ picked: null })
      const handle = randomUUID()
      tools.picked(handle, path)
      return ok({ picked: { handle, name: basename(path) } })
    },
    async 'host.revealExport'({ exportId }) {
      const place = await tools.exportPlace(exportId)
      if (place === null) return fail(unknownExport(exportId))
      shell.showItemInFolder(place)
      return ok({})
    },
    'host.openExternal': ({ url }) => openAfterAsking(url, tools.window()),
  }
}

/** The only call of `shell.openExternal` in the program. */
async function openAfterAsking(
  url: string,
  window: BrowserWindow | null,
): Promise<Result<Record<string, never>>> {
  const address = externalAddress(url)
  if (address === null) return fail(refusedAddress(url))
  const { title, message, open, cancel } = words.openExternal
  const options = {
    type: 'question' as const,
    title,
    message,
    detail: address,
    buttons: [cancel, open],
    defaultId: 0,
    cancelId: 0,
    noLink: true,
  }
  const { response } = await (window
    ? dialog.showMessageBox(window, options)
    : dialog.showMessageBox(options))
  if (response === 1) await shell.openExternal(address)
  return ok({})
}

const unknownExport = (exportId: string) => ({
  code: 'file.missing' as const,
  message: 'This export is not on this computer any more.',
  where: exportId,
  remedy: 'Make it again; the adapter it was made from is still there.',
})

const refusedAddress = (url: string) => ({
  code: 'host.unavailable' as const,
  message: 'Only ordinary https addresses are opened from here.',
  where: url.slice(0, 200),
  remedy: 'Copy the address and look at it before you open it yourself.',
})
