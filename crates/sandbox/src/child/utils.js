// What an export script finds in `ctx.utils`.
(() => {
  const steps = (path) => {
    if (typeof path !== 'string' || path === '') throw new Error('path must be a text such as "a.b"');
    if (path.includes('[')) throw new Error(`path must not have brackets: ${path}`);
    const names = path.split('.');
    if (names.some((name) => name === '' || name === '__proto__')) throw new Error(`path can't be used: ${path}`);
    return names;
  };
  const isObject = (value) => typeof value === 'object' && value !== null;
  const utils = {
    get(object, path) {
      let value = object;
      for (const name of steps(path)) {
        if (!isObject(value) || !Object.hasOwn(value, name)) return undefined;
        value = value[name];
      }
      return value;
    },
    set(object, path, value) {
      const names = steps(path);
      const last = names.pop();
      let place = object;
      for (const name of names) {
        if (!Object.hasOwn(place, name) || !isObject(place[name])) place[name] = {};
        place = place[name];
      }
      place[last] = value;
      return object;
    },
    trimToNull(value) {
      if (value === null || value === undefined) return null;
      return String(value).trim() || null;
    },
    normalizeWhitespace(value) {
      if (value === null || value === undefined) return '';
      return String(value).replace(/\s+/g, ' ').trim();
    },
    toNumberOrNull(value) {
      if (typeof value === 'string' && value.trim() !== '') value = Number(value.trim());
      return typeof value === 'number' && Number.isFinite(value) ? value : null;
    },
  };
  return Object.freeze(utils);
})()
