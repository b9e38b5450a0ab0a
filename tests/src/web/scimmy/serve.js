// SCIMMY Routers over a store in memory, by HTTPS. The argument is a file of settings.
import {randomUUID} from "node:crypto";
import {readFileSync} from "node:fs";
import {createServer} from "node:https";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
const users = new Map(), groups = new Map();

const refuse = (status, type, detail) => { throw new SCIMMY.Types.Error(status, type, detail); };
const plain = (resource) => JSON.parse(JSON.stringify(resource));

// What all kinds of resources have in common: `name` is the attribute of which there are no two the same.
function keep(type, store, name, shown) {
    type.ingress((resource, data) => {
        const before = resource.id && (store.get(resource.id) ?? refuse(404, null, `Resource ${resource.id} not found`));
        const same = (value) => value[name].toLowerCase() === data[name].toLowerCase() && value.id !== resource.id;
        if ([...store.values()].some(same)) refuse(409, "uniqueness", `There is another of this ${name}`);
        const now = new Date().toISOString(), id = before?.id ?? randomUUID();
        store.set(id, {...plain(data), id, meta: {created: before?.meta.created ?? now, lastModified: now}});
        return shown(store.get(id));
    });
    type.egress((resource) => {
        if (resource.id) return shown(store.get(resource.id) ?? refuse(404, null, `Resource ${resource.id} not found`));
        const all = [...store.values()].map(shown);
        return resource.filter ? resource.filter.match(all) : all;
    });
    type.degress((resource) => {
        if (!store.delete(resource.id)) refuse(404, null, `Resource ${resource.id} not found`);
        for (const group of groups.values()) {
            group.members = group.members?.filter((member) => member.value !== resource.id);
        }
    });
    return type;
}

const of = (user) => [...groups.values()].filter((group) => group.members?.some((member) => member.value === user.id));
const withGroups = (user) => ({...user, groups: of(user).map((group) => ({value: group.id, display: group.displayName}))});

SCIMMY.Config.set({patch: true, filter: {supported: true, maxResults: 200}, sort: true, etag: false, bulk: false});
SCIMMY.Resources.declare(keep(SCIMMY.Resources.User, users, "userName", withGroups).extend(SCIMMY.Schemas.EnterpriseUser));
SCIMMY.Resources.declare(keep(SCIMMY.Resources.Group, groups, "displayName", (group) => group));

const handler = (request) => {
    if (request.header("authorization") !== `Bearer ${settings.token}`) throw new Error("Who are you?");
    return "connector";
};
const base = `https://127.0.0.1:${settings.port}`;
const application = express();
application.use(settings.base, new SCIMMYRouters({type: "bearer", handler, baseUri: () => base}));

const tls = {cert: readFileSync(settings.certificate), key: readFileSync(settings.key)};
const server = createServer(tls, application).listen(settings.port, "127.0.0.1");
process.on("SIGTERM", () => { server.close(); server.closeAllConnections(); });
