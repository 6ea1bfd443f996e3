// What the window program itself says to people: menus, dialogs, the tray, notifications.
export const words = {
  name: 'Tunewright',
  menu: {
    file: 'File',
    closeWindow: 'Close window',
    quit: 'Quit',
    edit: 'Edit',
    view: 'View',
    reload: 'Load the page again',
    zoomIn: 'Larger',
    zoomOut: 'Smaller',
    zoomReset: 'Usual size',
    fullScreen: 'Full screen',
  },
  tray: {
    idle: 'Tunewright',
    run: (name: string, percent: number) => `${name}: ${percent} %`,
    open: 'Open Tunewright',
    quit: 'Stop with a checkpoint and quit',
  },
  ended: {
    finished: (name: string) => ({
      title: 'Training has finished',
      body: `${name} is ready. Open it to see the proof.`,
    }),
    stopped: (name: string) => ({
      title: 'Training has stopped',
      body: `${name} can be continued from its checkpoint.`,
    }),
    failed: (name: string) => ({
      title: 'Training could not go on',
      body: `${name}: open it to read why and what helps.`,
    }),
  },
  openExternal: {
    title: 'Open in your browser?',
    message: 'This leaves Tunewright and opens in your browser:',
    open: 'Open',
    cancel: 'Cancel',
  },
  pickModel: { folder: 'Choose the folder of a model', file: 'Choose a GGUF file', button: 'Use this model' },
  coreDown: {
    title: 'Tunewright cannot go on',
    quit: 'Quit',
  },
} as const
