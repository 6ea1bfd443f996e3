// The menu bar: what every program has, in plain words. No developer tools: there is nothing in them for a person here.
import { app, Menu, type MenuItemConstructorOptions } from 'electron'
import { words } from './words.ts'

export function setMenu(): void {
  const { menu } = words
  const isMac = process.platform === 'darwin'
  const template: MenuItemConstructorOptions[] = [
    ...(isMac ? [{ role: 'appMenu' as const }] : []),
    {
      label: menu.file,
      submenu: [
        { label: menu.closeWindow, role: 'close' },
        ...(isMac ? [] : [{ label: menu.quit, accelerator: 'CommandOrControl+Q', click: () => app.quit() }]),
      ],
    },
    { label: menu.edit, role: 'editMenu' },
    {
      label: menu.view,
      submenu: [
        { label: menu.reload, role: 'reload' },
        { type: 'separator' },
        { label: menu.zoomReset, role: 'resetZoom' },
        { label: menu.zoomIn, role: 'zoomIn' },
        { label: menu.zoomOut, role: 'zoomOut' },
        { type: 'separator' },
        { label: menu.fullScreen, role: 'togglefullscreen' },
      ],
    },
  ]
  Menu.setApplicationMenu(Menu.buildFromTemplate(template))
}
