// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ConfError } from '../../../src/exception.js';
import { contentSecurityPolicy } from '../../../src/html5proxy/headers.js';
import { readWebRoot, scriptsOf } from '../../../src/html5proxy/web-root.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kerbside-web-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe('readWebRoot', () => {
  it('reads files, folders and links, and leaves out what is hidden', async () => {
    writeFileSync(join(folder, 'spice.html'), '<script>1</script>');
    writeFileSync(join(folder, 'main.js'), '');
    writeFileSync(join(folder, '.git'), 'x');
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    writeFileSync(join(folder, 'a', 'b', 'c.JS'), 'x');
    symlinkSync(join(folder, 'a', 'b', 'c.JS'), join(folder, 'link.js'));
    const web = await readWebRoot(folder);
    expect([...web.keys()].sort()).toEqual([...['/a/b/c.JS', '/link.js', '/main.js', '/spice.html']]);
    expect(web.get('/a/b/c.JS')).toMatchObject({ type: 'text/javascript; charset=utf-8', scripts: [] });
    expect(web.get('/spice.html')).toMatchObject({ scripts: [hashOf('1')] });
    expect(web.get('/link.js')?.etag).toBe(web.get('/a/b/c.JS')?.etag);
  });

  it('refuses a folder that is absent, without the client, broken, or endless', async () => {
    await expect(readWebRoot(join(folder, 'absent'))).rejects.toThrow(ConfError);
    await expect(readWebRoot(folder)).rejects.toThrow('has no main.js');
    writeFileSync(join(folder, 'main.js'), '');
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling'));
    await expect(readWebRoot(folder)).rejects.toThrow('cannot be read (ENOENT)');
    rmSync(join(folder, 'dangling'));
    symlinkSync(folder, join(folder, 'loop'));
    await expect(readWebRoot(folder)).rejects.toThrow(/ELOOP|ENAMETOOLONG|more than 2000 files/);
  });

  it('needs no folder where all consoles speak VNC', async () => {
    expect((await readWebRoot('')).size).toBe(0);
  });
});

describe('scriptsOf', () => {
  it('names each inline script and event handler once, as they stand', () => {
    const html =
      '<script>a()</script><SCRIPT type="module">\n b() \n</SCRIPT ><script src="x.js"></script>' +
      '<button onclick="go()">go</button><p class="x" onclick="go()">x</p><script>a()</script>';
    expect(scriptsOf(html)).toEqual([hashOf('a()'), hashOf('\n b() \n'), hashOf('go()')]);
  });
});

describe('contentSecurityPolicy', () => {
  it('lets the scripts run that it is told, and no others', () => {
    const policy = contentSecurityPolicy([hashOf('a()')], 'console.example.org:6082', ['2001:db8::5']);
    expect(policy).toContain(`script-src 'self' 'unsafe-hashes' ${hashOf('a()')};`);
    expect(policy).toContain(
      "connect-src 'self' ws://console.example.org:6082 wss://console.example.org:6082;",
    );
    expect(policy).toContain('http://[2001:db8::5]:* https://[2001:db8::5]:*');
    expect(contentSecurityPolicy([], null, [])).toContain("script-src 'self'; ");
  });
});
